package dev.winnow.prune;

import org.bytedeco.pytorch.Tensor;

/** Turns scores into an ascending keep-list. */
public interface Selector extends Part {
  /**
   * @param scores as the scorer gave them: float32 [candidates] or [1 + n, candidates]; null where the cut has no scorer
   * @return ascending candidate numbers that stay, out of 0..candidates.count()-1
   */
  int[] select(Candidates candidates, Tensor scores);
}
