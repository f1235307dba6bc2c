package dev.winnow.prune;

import dev.winnow.InvalidInputException;
import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import dev.winnow.kernels.Vectors;
import java.util.BitSet;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * One of several stages that together hold an exact budget, whatever number of tokens an image enters with: the highest scores, key tokens
 * first.
 *
 * @param average tokens of the image on average over all layers
 * @param layers decoder layers
 * @param after the stages: the layers behind which they cut
 * @param stage number of this one
 * @param keys original indices of key tokens besides those that an earlier stage named
 */
public record StagedTop(int average, int layers, List<Integer> after, int stage, List<Integer> keys) implements Selector {
  public StagedTop {
    after = List.copyOf(after);
    keys = List.copyOf(keys);
  }

  @Override public Spec spec() {
    return Spec.of("staged-top", "average", average, "layers", layers, "after", Vectors.joined(after), "stage", stage, "keys",
        keys.isEmpty() ? null : Vectors.joined(keys));
  }

  @Override public Needs needs() { return Needs.SCORES_AND_ROWS; }

  @Override public int most(int total, int present) {
    return Math.min(present, StageBudget.counts(total, layers, after, average, dropped -> 0)[stage]);
  }

  /** A picture may enter with more tokens than was known when the budget was set: tiles without their packing. */
  @Override public void check(int total) {
    if (stage > 0 || StageBudget.held(total, layers, after, new int[after.size()], dropped -> 0) <= (long) average * layers) return;
    throw new InvalidInputException("a picture that enters with " + total + " tokens cannot average " + average
        + " when the first cut is behind layer " + after.get(0) + "; set earlier layers or a larger budget");
  }

  @Override public int[] select(Candidates candidates, Tensor scores) {
    int k = most(candidates.total(), candidates.count());
    if (k == candidates.count()) return Selectors.all(k);
    float[] values = Tensors.toFloats(Selectors.scoresAlone(scores));
    BitSet keyTokens = DualFilter.keyTokens(candidates, keys);
    // attention sums to at most one per text row, so this lifts every key token above all others
    keyTokens.stream().forEach(i -> values[i] += 1 + candidates.view().origins().length);
    return Kernels.top(Tensors.floats(values, scores.device(), values.length), k);
  }
}
