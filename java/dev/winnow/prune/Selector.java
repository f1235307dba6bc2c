package dev.winnow.prune;

import org.bytedeco.pytorch.Tensor;

/** Turns scores into an ascending keep-list. */
public interface Selector extends Part {
  /**
   * @param scores as the scorer gave them: float32 [candidates] or [1 + n, candidates]; null where the cut has no scorer
   * @return ascending candidate numbers that stay, out of 0..candidates.count()-1
   */
  int[] select(Candidates candidates, Tensor scores);

  /**
   * How many stay, as far as that can be told before anything is scored; the most where it depends on scores.
   *
   * @param total tokens of the image as it entered the language model
   * @param present tokens that are there
   */
  default int most(int total, int present) { return present; }
}
