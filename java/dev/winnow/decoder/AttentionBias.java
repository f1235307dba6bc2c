package dev.winnow.decoder;

/**
 * What is added to the attention logits of a sequence whose images entered shortened, as data that a plan carries: RESTORE's repair
 * (arXiv 2606.01711). A key that stands for s tokens gets log(s), as if it were there s times; a query at distance d from a key gets
 * log(2 - D(d)), D(d) the mean cosine of the rotary angles of d. A sequence without such an image gets nothing.
 *
 * @param sizes which layers add the sizes
 * @param distance which steps add the distance
 */
public record AttentionBias(Sizes sizes, Distance distance) {
  public enum Sizes {
    NONE,
    /** Every row its own size. */
    ALL,
    /** The same, but in layer 0 every row of an image counts as the mean of its image. */
    EVEN_FIRST
  }

  public enum Distance {
    NONE,
    /** Prompts only, as in the public code. */
    PROMPT,
    /** Generated tokens as well. */
    ALWAYS
  }

  public static final AttentionBias NONE = new AttentionBias(Sizes.NONE, Distance.NONE);

  public boolean isNone() { return equals(NONE); }

  boolean measures(boolean generating) { return distance == Distance.ALWAYS || distance == Distance.PROMPT && !generating; }
}
