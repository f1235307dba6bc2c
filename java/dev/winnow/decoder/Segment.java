package dev.winnow.decoder;

/**
 * A contiguous run of one sequence, in original positions.
 *
 * @param image number of the image or video within the session's prompts, -1 for text
 * @param start first original position
 * @param length rows, as they entered the language model
 * @param video whether the rows are those of a video
 */
public record Segment(int image, int start, int length, boolean video) {
  /** Text or an image. */
  public Segment(int image, int start, int length) { this(image, start, length, false); }

  public boolean isText() { return image < 0; }

  /** The same elsewhere. */
  public Segment startingAt(int otherStart) { return new Segment(image, otherStart, length, video); }

  public boolean contains(int position) { return position >= start && position < end(); }

  public int end() { return start + length; }
}
