package dev.winnow.prune;

/**
 * What is known about one image before a cut.
 *
 * @param raters original positions of the text rows that a {@link Scorer} chose at the entrance of the decoder; null where none was asked
 * @param keyTokens original indices within the image of tokens that an earlier stage wants kept; empty for none
 * @param survivors original indices within the image of tokens that reached the last layer; null before the end of the prompt
 */
public record ImageNotes(int[] raters, int[] keyTokens, int[] survivors) {
  public static final ImageNotes NONE = new ImageNotes(null, new int[0], null);
}
