package dev.winnow.prune.patches;

import dev.winnow.kernels.Vectors;
import java.util.Arrays;

/** Orders of patches that are shared by methods whose output is not in ascending order. */
public final class Order {
  private Order() {}

  /** 0..n-1 by falling score; equal scores keep the lower index first, NaN comes last. */
  public static int[] falling(float[] scores) {
    return Vectors.ranked(scores);
  }

  public static int[] ascending(int[] values) {
    int[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted;
  }

  public static int[] concat(int[] first, int[] second) {
    int[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }
}
