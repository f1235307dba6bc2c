package dev.winnow.decoder;

/**
 * A contiguous run of one sequence, in original positions.
 *
 * @param image number of the image within the session's prompts, -1 for text
 * @param start first original position
 * @param length rows, as they entered the language model
 */
public record Segment(int image, int start, int length) {
  public boolean isText() { return image < 0; }

  public boolean contains(int position) { return position >= start && position < end(); }

  public int end() { return start + length; }
}
