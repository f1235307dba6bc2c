package dev.winnow.prune;

import dev.winnow.kernels.Kernels;

/** The selectors before the decoder that methods share. */
public final class PatchSelectors {
  private PatchSelectors() {}

  /** The highest scores, in ascending order of patches; equal scores keep the lower patch. */
  public static PatchSelector top() { return (facts, tile, scores, k) -> Kernels.top(scores, k); }
}
