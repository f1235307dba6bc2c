package dev.winnow.decoder;

/** Which rotary positions the rows of a pruned sequence get. */
public enum PositionPolicy {
  /** Original positions; removed tokens leave holes. */
  KEEP,
  /** Contiguous positions per layer; every layer counts the rows that reached it. */
  RENUMBER
}
