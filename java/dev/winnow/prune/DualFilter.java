package dev.winnow.prune;

import dev.winnow.kernels.Tensors;
import dev.winnow.kernels.Vectors;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * MustDrop's dual-attention filter: a token goes if its share of the attention that the text pays to the image is below {@code global} and
 * no single text row pays it {@code individual} or more; key tokens stay. Needs summed text attention with its evidence.
 *
 * @param global share of the total text-to-image attention, 0..1
 * @param individual attention probability, mean over heads
 * @param keys original indices of tokens that stay besides those that an earlier stage named
 */
public record DualFilter(double global, double individual, List<Integer> keys) implements Selector {
  public DualFilter {
    keys = List.copyOf(keys);
  }

  @Override public Spec spec() {
    return Spec.of("dual-filter", "global", global, "individual", individual, "keys", keys.isEmpty() ? null : Vectors.joined(keys));
  }

  @Override public Needs needs() { return Needs.EVIDENCE; }

  @Override public int[] select(Candidates candidates, Tensor scores) {
    BitSet stays = keyTokens(candidates, keys);
    for (int i : filter(scores)) stays.set(i);
    return stays.stream().toArray();
  }

  /** Candidate numbers that pass the two thresholds, key tokens or not. Sums and comparisons in float32. */
  public int[] filter(Tensor scores) {
    float[] sums = Tensors.toFloats(Selectors.scoresAlone(scores));
    float[] largest = Tensors.toFloats(columnMax(scores));
    float least = (float) global * Tensors.toFloats(Selectors.scoresAlone(scores).sum())[0];
    return IntStream.range(0, sums.length).filter(i -> !(sums[i] < least && largest[i] < (float) individual)).toArray();
  }

  /** The most that any text row pays to each token, float32 [candidates]. */
  public static Tensor columnMax(Tensor scores) { return Selectors.evidence(scores).amax(new long[] {0}, false); }

  /** Candidate numbers of the key tokens that are still there. */
  static BitSet keyTokens(Candidates candidates, List<Integer> named) {
    BitSet originals = new BitSet();
    for (int index : candidates.notes().keyTokens()) originals.set(index);
    named.forEach(originals::set);
    BitSet numbers = new BitSet();
    for (int i = 0; i < candidates.count(); i++) if (originals.get(candidates.original()[i])) numbers.set(i);
    return numbers;
  }
}
