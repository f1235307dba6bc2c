package dev.winnow;

import java.util.function.Function;

/** Reads whole numbers that people typed. */
public final class WholeNumber {
  private WholeNumber() {}

  /**
   * @param complaint makes the error from what is wrong, such as "'1e3' is not a whole number; write digits alone"
   */
  public static int small(String text, Function<String, ? extends RuntimeException> complaint) {
    return (int) read(text, Integer.MIN_VALUE, Integer.MAX_VALUE, complaint);
  }

  /** The same with the limits of 64 bits. */
  public static long wide(String text, Function<String, ? extends RuntimeException> complaint) {
    return read(text, Long.MIN_VALUE, Long.MAX_VALUE, complaint);
  }

  private static long read(String text, long lowest, long highest, Function<String, ? extends RuntimeException> complaint) {
    String typed = text.strip();
    if (typed.isEmpty()) throw complaint.apply("the value is empty; give a whole number");
    if (!typed.matches("[+-]?[0-9]+")) throw complaint.apply("'" + text + "' is not a whole number; write digits alone");
    try {
      long value = Long.parseLong(typed);
      if (value >= lowest && value <= highest) return value;
    } catch (NumberFormatException e) {
      // more digits than a long has
    }
    throw complaint.apply("'" + text + "' is out of range; whole numbers go from " + lowest + " to " + highest + " here");
  }
}
