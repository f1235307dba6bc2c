package dev.winnow.decoder;

/** Which rotary positions the rows of a pruned sequence get. */
public enum PositionPolicy {
  /** Original positions; removed tokens leave holes. */
  KEEP,
  /** The same, and the rows of an image that was shortened before it entered stand where its tokens would have stood. */
  ORIGINAL,
  /** Contiguous positions per layer; every layer counts the rows that reached it. */
  RENUMBER
}
