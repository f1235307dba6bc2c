package dev.winnow.engine;

/**
 * What a question got.
 *
 * @param text the answer, without special tokens
 * @param ids generated ids, without the end-of-sequence id
 * @param finish why it ended
 * @param report what was measured on the way
 */
public record Answer(String text, int[] ids, Finish finish, Report report) {
  /** Why an answer ended. */
  public enum Finish {
    /** The model ended it. */
    STOP,
    /** It reached the largest number of tokens asked for. */
    LENGTH,
    /** The caller cancelled it. */
    CANCELLED
  }
}
