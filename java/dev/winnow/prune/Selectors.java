package dev.winnow.prune;

import dev.winnow.kernels.Kernels;

/** The selectors that methods share. */
public final class Selectors {
  private Selectors() {}

  /** The highest scores; equal scores keep the lower index. */
  public static Selector top(Count count) {
    return (candidates, scores) -> {
      int k = Math.min(count.of(candidates.total()), candidates.count());
      return k == candidates.count() ? all(k) : Kernels.top(scores, k);
    };
  }

  /** Evenly spaced candidates, the middle of each of {@code count} equal stretches. */
  public static Selector evenlySpaced(Count count) {
    return (candidates, scores) -> {
      int k = Math.min(count.of(candidates.total()), candidates.count());
      int[] keep = new int[k];
      for (int i = 0; i < k; i++) keep[i] = (int) ((2L * i + 1) * candidates.count() / (2L * k));
      return keep;
    };
  }

  /** No candidate stays. */
  public static Selector none() { return (candidates, scores) -> new int[0]; }

  private static int[] all(int count) {
    int[] keep = new int[count];
    for (int i = 0; i < count; i++) keep[i] = i;
    return keep;
  }
}
