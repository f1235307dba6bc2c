package dev.winnow.kernels;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Small arithmetic on Java arrays. */
public final class Vectors {
  private Vectors() {}

  /** The numbers with commas between them. */
  public static String joined(List<? extends Number> values) {
    return values.stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  /** Index of the largest value; the lowest such index on ties. NaN ranks below every number. */
  public static int argmax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) if (values[i] > values[best] || Float.isNaN(values[best]) && !Float.isNaN(values[i])) best = i;
    return best;
  }

  /** Indices by falling value, equal values by rising index, NaN last. */
  public static int[] ranked(float[] values) {
    long[] keys = new long[values.length];
    for (int i = 0; i < values.length; i++) keys[i] = (long) falling(values[i]) << 32 | i;
    Arrays.sort(keys);
    int[] ranked = new int[keys.length];
    for (int i = 0; i < ranked.length; i++) ranked[i] = (int) keys[i];
    return ranked;
  }

  /** An int that is smaller for larger values; -0 and 0 are equal. */
  private static int falling(float value) {
    if (Float.isNaN(value)) return Integer.MAX_VALUE;
    int bits = Float.floatToIntBits(value + 0f);
    return ~(bits >= 0 ? bits : bits ^ Integer.MAX_VALUE);
  }
}
