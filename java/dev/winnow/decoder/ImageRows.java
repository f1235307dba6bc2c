package dev.winnow.decoder;

import java.util.Arrays;

/**
 * What the rows of an image that entered shortened stand for.
 *
 * @param places where each row stands among the tokens that the image has when nothing is removed
 * @param span tokens that the image has then: positions that it takes
 * @param sizes how many tokens each row stands for, 1 or more
 */
public record ImageRows(int[] places, int span, int[] sizes) {
  /** The same sizes, the rows one behind another. */
  public ImageRows contiguous() {
    int[] all = new int[places.length];
    Arrays.setAll(all, i -> i);
    return new ImageRows(all, all.length, sizes);
  }

  float meanSize() { return (float) Arrays.stream(sizes).sum() / sizes.length; }
}
