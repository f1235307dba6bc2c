package dev.winnow.prune.patches;

import dev.winnow.kernels.Tensors;
import dev.winnow.prune.PatchSelector;
import dev.winnow.prune.VisionFacts;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/**
 * VisPruner: the best scores, then of the rest, in falling order of score, those left when near duplicates have been thinned out.
 *
 * @param important share of the tile's budget that goes by score, truncated
 */
public record ImportantDiverse(double important) implements PatchSelector {
  @Override public int[] select(VisionFacts facts, int tile, Tensor scores, int k) {
    int[] order = Order.falling(Tensors.toFloats(scores));
    int byScore = (int) (k * important);
    int[] best = Arrays.copyOf(order, byScore);
    Tensor features = facts.features32(tile);
    ResidualList rest = new ResidualList(Cosine.between(features, features), Arrays.copyOfRange(order, byScore, order.length));
    return Order.ascending(Order.concat(best, rest.reduceTo(k - byScore)));
  }
}
