package dev.winnow.prune;

import org.bytedeco.pytorch.Tensor;

/** Chooses the patches of one tile that stay. */
public interface PatchSelector {
  /**
   * @param tile number of the tile
   * @param scores float32 [patches] of the tile, contiguous; null where the reducer has no scorer
   * @param k patches that are to stay, not more than there are
   * @return patch numbers in the order in which they enter the language model
   */
  int[] select(VisionFacts facts, int tile, Tensor scores, int k);

  /** What the selector itself looks at, beside the scores. */
  default VisionNeeds needs() { return VisionNeeds.NOTHING; }
}
