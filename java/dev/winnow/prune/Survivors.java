package dev.winnow.prune;

import java.util.BitSet;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/** Keeps the tokens that reached the last layer: MustDrop's cache policy. For the site {@code cache}. */
public record Survivors() implements Selector {
  @Override public Spec spec() { return Spec.of("survivors"); }

  @Override public Needs needs() { return Needs.SURVIVORS; }

  @Override public int[] select(Candidates candidates, Tensor scores) {
    BitSet survivors = new BitSet();
    for (int index : candidates.notes().survivors()) survivors.set(index);
    return IntStream.range(0, candidates.count()).filter(i -> survivors.get(candidates.original()[i])).toArray();
  }
}
