package dev.winnow.prune.patches;

import dev.winnow.kernels.Greedy;
import dev.winnow.prune.PatchSelector;
import dev.winnow.prune.TileShares;
import dev.winnow.prune.VisionFacts;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * EADP: greedily the patch that adds most to how well the important patches are covered, by (cosine of projected rows + 1) / 2. Tiles share
 * the budget by their summed importance, at least one each, fractions lost.
 */
public record ImportantCoverage() implements PatchSelector {
  private static final float EPS = 1e-6f;

  public static final TileShares BY_IMPORTANCE = (facts, scores, tokens) -> {
    if (facts.tiles() == 1 || scores == null) return TileShares.equal(facts, tokens);
    float[] sums = new float[facts.tiles()];
    float total = 0;
    for (int t = 0; t < sums.length; t++) {
      sums[t] = torch.sum(scores.get(t)).item_float();
      total += sums[t];
    }
    total += EPS;
    int[] shares = new int[sums.length];
    for (int t = 0; t < shares.length; t++) shares[t] = Math.min(facts.patches(t), Math.max(1, (int) (sums[t] / total * tokens)));
    return shares;
  };

  @Override public int[] select(VisionFacts facts, int tile, Tensor scores, int k) {
    return Order.ascending(choose(facts, tile, scores, k));
  }

  /** In the order of choice. */
  public int[] choose(VisionFacts facts, int tile, Tensor scores, int k) {
    return Greedy.choose(Greedy.Objective.COVERAGE, facts.projected32(tile).contiguous(), null, scores, 0.5f, 0.5f, k);
  }
}
