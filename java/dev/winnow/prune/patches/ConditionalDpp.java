package dev.winnow.prune.patches;

import dev.winnow.kernels.Greedy;
import dev.winnow.prune.PatchSelector;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * CDPruner: greedy MAP of the determinantal process with kernel r_i S_ij r_j, S the cosine of projected rows and r the relevance to the
 * question.
 *
 * @param relevant whether r is used; otherwise the process is the plain one
 * @param centred whether S is taken of rows with their mean removed and r also counts how little a patch resembles the others (Cen-Prune)
 */
public record ConditionalDpp(boolean relevant, boolean centred) implements PatchSelector {
  @Override public VisionNeeds needs() {
    return relevant ? VisionNeeds.NOTHING.withClip(VisionNeeds.Clip.WHOLE_TEXT) : VisionNeeds.NOTHING;
  }

  @Override public int[] select(VisionFacts facts, int tile, Tensor scores, int k) { return Order.ascending(choose(facts, tile, k)); }

  /** In the order of choice. */
  public int[] choose(VisionFacts facts, int tile, int k) {
    return Greedy.choose(Greedy.Objective.DPP, rows(facts, tile), weights(facts, tile), null, 1, 0, k);
  }

  /** Rows whose cosines are S, float32 [patches, hidden]. */
  public Tensor rows(VisionFacts facts, int tile) {
    Tensor rows = facts.projected32(tile).contiguous();
    return centred ? rows.sub(torch.mean(rows, new long[] {0}, true, new ScalarTypeOptional())) : rows;
  }

  /** float32 [patches], or null for 1. */
  public Tensor weights(VisionFacts facts, int tile) {
    Tensor r = relevant ? ClipRelevance.of(facts.clip()).get(tile).contiguous() : null;
    if (!centred) return r;
    Tensor unit = Cosine.unit(facts.projected32(tile));
    // the sum of cosines with all rows is the product with the sum of the unit rows
    Tensor alike = torch.matmul(unit, torch.sum(unit, 0));
    Tensor apart = alike.neg();
    Tensor low = apart.min();
    Tensor scaled = apart.sub(low).div(apart.max().sub(low).clamp_min(new Scalar(1e-12)));
    return r == null ? scaled : r.mul(scaled);
  }
}
