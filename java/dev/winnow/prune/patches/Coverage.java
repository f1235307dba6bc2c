package dev.winnow.prune.patches;

import dev.winnow.kernels.Greedy;
import dev.winnow.prune.PatchSelector;
import dev.winnow.prune.VisionFacts;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * SCOPE: greedily the patch that adds most to how well the chosen ones cover all patches (largest cosine, below zero counts as zero), times
 * its score to the power {@code alpha}.
 */
public record Coverage(double alpha) implements PatchSelector {
  @Override public int[] select(VisionFacts facts, int tile, Tensor scores, int k) {
    return Order.ascending(choose(facts, tile, scores, k));
  }

  /** In the order of choice. */
  public int[] choose(VisionFacts facts, int tile, Tensor scores, int k) {
    Tensor weight = scores == null ? null : scores.pow(new Scalar(alpha)).contiguous();
    return Greedy.choose(Greedy.Objective.COVERAGE, facts.features32(tile).contiguous(), weight, null, 1, 0, k);
  }
}
