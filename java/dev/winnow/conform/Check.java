package dev.winnow.conform;

import dev.winnow.kernels.Tensors;
import dev.winnow.kernels.Vectors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.bytedeco.pytorch.Tensor;

/**
 * Compares computed values with the expected ones of one case and remembers every mismatch and the largest deviation. Floats may deviate by
 * {@code value_abs + rel * |expected|}, sums by {@code sum_abs + rel * |expected|}.
 */
public final class Check {
  /** Values that fields whose names end in 8 give of a row. */
  private static final int FIRST = 8;

  private final double valueAbs;
  private final double sumAbs;
  private final double rel;
  private final List<String> mismatches = new ArrayList<>();
  private final List<String> unread = new ArrayList<>();
  private double largest;
  private String largestAt = "";
  private int compared;

  public Check(double valueAbs, double sumAbs, double rel) {
    this.valueAbs = valueAbs;
    this.sumAbs = sumAbs;
    this.rel = rel;
  }

  static Check of(CaseNode tolerance) {
    return new Check(
        tolerance.path("value_abs").asDouble(1e-4), tolerance.path("sum_abs").asDouble(1e-3), tolerance.path("rel").asDouble(0));
  }

  public List<String> mismatches() { return mismatches; }

  /** Fields of the case that nothing looked at. */
  public List<String> unread() { return unread; }

  /** Largest |got - expected| of all floats compared. */
  public double largest() { return largest; }

  public String largestAt() { return largestAt; }

  /** Values compared so far; a case that compared nothing has not passed. */
  public int compared() { return compared; }

  public void value(String what, double got, double expected) { close(what, got, expected, valueAbs + rel * Math.abs(expected)); }

  public void sum(String what, double got, double expected) { close(what, got, expected, sumAbs + rel * Math.abs(expected)); }

  public void close(String what, double got, double expected, double tolerance) {
    compared++;
    double deviation = Math.abs(got - expected);
    if (Double.isNaN(deviation)) deviation = Double.POSITIVE_INFINITY;
    if (deviation > largest) {
      largest = deviation;
      largestAt = what;
    }
    if (deviation <= tolerance) return;
    mismatches.add(String.format(Locale.ROOT, "%s: got %.9g, expected %.9g, off by %.3g (allowed %.3g)",
        what, got, expected, deviation, tolerance));
  }

  /** The comparison itself could not be made. */
  void failed(String why) { mismatches.add("error: " + why.lines().findFirst().orElse("")); }

  /** A field of the case that nothing looked at: it is told, since it would pass whatever it says. */
  void unread(String field) { unread.add(field); }

  public void same(String what, Object got, Object expected) {
    compared++;
    if (!got.equals(expected)) mismatches.add(what + ": got " + shorten(got) + ", expected " + shorten(expected));
  }

  /** No value is infinite or not a number. */
  public void finite(String what, float[] got) {
    int wrong = 0;
    for (float x : got) if (!Float.isFinite(x)) wrong++;
    same(what + " that are not finite", wrong, 0);
  }

  public void ints(String what, int[] got, CaseNode expected) { same(what, list(got), list(TensorSpec.ints(expected))); }

  /** A vector given in full as an array, or as {@code {first8, sum}}. */
  public void floats(String what, float[] got, CaseNode expected) {
    if (!expected.isArray()) {
      vector(what, got, expected);
      return;
    }
    same(what + ".size", got.length, expected.size());
    for (int i = 0; i < Math.min(got.length, expected.size()); i++) value(what + "[" + i + "]", got[i], expected.get(i).asDouble());
  }

  /** A matrix given as {@code {shape, first_row8, last_row8, sum, abs_sum}}. */
  public void matrix(String what, Tensor got, CaseNode expected) {
    matrix(what, Tensors.toFloats(got), (int) got.size(1), expected);
  }

  /** @param values row-major, {@code columns} a row */
  void matrix(String what, float[] values, int columns, CaseNode expected) {
    same(what + ".shape", List.of(values.length / columns, columns), list(TensorSpec.ints(expected.get("shape"))));
    row(what + ".first_row8", values, columns, 0, expected.get("first_row8"));
    row(what + ".last_row8", values, columns, values.length / columns - 1, expected.get("last_row8"));
    double sum = 0;
    double absolute = 0;
    for (float x : values) {
      sum += x;
      absolute += Math.abs(x);
    }
    sum(what + ".sum", sum, expected.get("sum").asDouble());
    sum(what + ".abs_sum", absolute, expected.get("abs_sum").asDouble());
  }

  /** The first values of the first rows of a matrix, one array per row. */
  public void rows(String what, Tensor got, CaseNode expected) {
    for (int i = 0; i < expected.size(); i++) row(what + "[" + i + "]", got, i, expected.get(i));
  }

  /** The first eight values of a row of a matrix. */
  void row(String what, Tensor got, int row, CaseNode expected) {
    row(what, Tensors.toFloats(got), (int) got.size(1), row, expected);
  }

  private void row(String what, float[] values, int columns, int row, CaseNode expected) {
    if (row < 0 || (row + 1) * columns > values.length) throw expected.wrong("is of a row that the result does not have");
    same(what + ".size", Math.min(FIRST, columns), expected.size());
    for (int i = 0; i < Math.min(columns, expected.size()); i++) {
      value(what + "[" + i + "]", values[row * columns + i], expected.get(i).asDouble());
    }
  }

  /** A vector given as {@code {first8, sum}}, with {@code argmax, max, top2_gap} where present. */
  public void vector(String what, float[] got, CaseNode expected) {
    CaseNode first = expected.get("first8");
    same(what + ".first8.size", Math.min(FIRST, got.length), first.size());
    for (int i = 0; i < first.size(); i++) value(what + "[" + i + "]", i < got.length ? got[i] : Double.NaN, first.get(i).asDouble());
    if (expected.has("sum")) {
      double sum = 0;
      for (float x : got) sum += x;
      sum(what + ".sum", sum, expected.get("sum").asDouble());
    }
    if (expected.has("argmax")) same(what + ".argmax", Vectors.argmax(got), expected.get("argmax").asInt());
    if (expected.has("max")) value(what + ".max", got[Vectors.argmax(got)], expected.get("max").asDouble());
    // the difference of two values that may both be off
    if (expected.has("top2_gap")) close(what + ".top2_gap", gap(got), expected.get("top2_gap").asDouble(), 2 * valueAbs);
  }

  /** Distance of the largest value and the next. */
  private static double gap(float[] values) {
    int[] ranked = Vectors.ranked(values);
    return (double) values[ranked[0]] - values[ranked[1]];
  }

  private static List<Integer> list(int[] values) { return Arrays.stream(values).boxed().toList(); }

  private static String shorten(Object value) {
    String text = String.valueOf(value);
    return text.length() <= 160 ? text : text.substring(0, 157) + "...";
  }
}
