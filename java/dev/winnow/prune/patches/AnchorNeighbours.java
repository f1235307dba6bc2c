package dev.winnow.prune.patches;

import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.PatchSelector;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import java.util.LinkedHashSet;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * HiPrune: the patches that receive the most attention in a middle block ("anchors") and the four around each, then the best scores. Left
 * and right neighbours wrap to the rows before and after, and all are held inside the grid by clamping, as in the public code.
 *
 * @param middle the block of the anchors
 * @param alpha a fifth of this share of the budget, rounded half to even, is the number of anchors
 */
public record AnchorNeighbours(int middle, double alpha) implements PatchSelector {
  @Override public VisionNeeds needs() { return VisionNeeds.received(middle).withGrid(); }

  @Override public int[] select(VisionFacts facts, int tile, Tensor scores, int k) {
    int n = facts.patches(tile);
    int side = (int) Math.round(Math.sqrt(n));
    Set<Integer> kept = new LinkedHashSet<>();
    for (int anchor : anchors(facts, tile, k)) {
      for (int step : new int[] {0, -1, 1, -side, side}) if (kept.size() < k) kept.add(Math.min(Math.max(anchor + step, 0), n - 1));
    }
    float[] rest = Tensors.toFloats(scores);
    for (int patch : kept) rest[patch] = Float.POSITIVE_INFINITY;
    return Kernels.top(Tensors.floats(rest, scores.device(), n), k);
  }

  /** Ascending. */
  public int[] anchors(VisionFacts facts, int tile, int k) {
    return Kernels.top(facts.attentionReceived(middle, tile).contiguous(), (int) Math.rint(k * alpha / 5));
  }
}
