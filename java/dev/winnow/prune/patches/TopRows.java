package dev.winnow.prune.patches;

import dev.winnow.kernels.Kernels;
import dev.winnow.prune.PatchSelector;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Whole rows of the patch grid, those with the highest sum of scores; as many as fit into the budget. */
public record TopRows() implements PatchSelector {
  @Override public VisionNeeds needs() { return VisionNeeds.NOTHING.withGrid(); }

  @Override public int[] select(VisionFacts facts, int tile, Tensor scores, int k) {
    int side = (int) Math.round(Math.sqrt(scores.size(0)));
    Tensor rows = rowScores(scores);
    return Arrays.stream(Kernels.top(rows, k / side)).flatMap(row -> IntStream.range(row * side, (row + 1) * side)).toArray();
  }

  /** Sums over the rows of a square grid, float32 [side]. */
  public static Tensor rowScores(Tensor scores) {
    int side = (int) Math.round(Math.sqrt(scores.size(0)));
    return torch.sum(scores.reshape(side, side), 1);
  }
}
