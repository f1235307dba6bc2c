package dev.winnow.prune;

import org.bytedeco.pytorch.Tensor;

/** Makes new tokens out of those that a cut removes. */
public interface Merger extends Part {
  /**
   * Several tokens merged into one each.
   *
   * @param into candidate number whose place each new token takes; none of them stays otherwise, none twice. New tokens
   *     stand behind those that stay
   * @param from candidate numbers that each new token is made of
   * @param rows [into.length, hidden], in the dtype of the rows; belongs to the caller's PointerScope
   */
  record Merge(int[] into, int[][] from, Tensor rows) {}

  /**
   * @param scores float32 [candidates]
   * @param kept ascending candidate numbers that stay
   * @return null where nothing is merged
   */
  Merge merge(Candidates candidates, float[] scores, int[] kept);

  /** The most new tokens that are made of so many dropped ones. */
  default int most(int dropped) { return dropped; }
}
