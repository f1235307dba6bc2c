package dev.winnow.prune.patches;

import java.util.Arrays;

/**
 * Values above the upper fence Q3 + 1.5 (Q3 - Q1), quartiles by linear interpolation as NumPy's {@code percentile} computes them in
 * float32.
 *
 * @param q1 first quartile
 * @param q3 third quartile
 * @param fence what an outlier exceeds, strictly
 * @param count outliers
 */
public record Outliers(float q1, float q3, float fence, int count) {
  private static final float FACTOR = 1.5f;

  public static Outliers of(float[] values) {
    float[] sorted = values.clone();
    Arrays.sort(sorted);
    float q1 = quartile(sorted, 1);
    float q3 = quartile(sorted, 3);
    float fence = q3 + FACTOR * (q3 - q1);
    int count = 0;
    for (float value : values) if (value > fence) count++;
    return new Outliers(q1, q3, fence, count);
  }

  /** From the nearer end, as NumPy does: another rounding than always from the lower one. */
  private static float quartile(float[] sorted, int quarter) {
    int quarters = (sorted.length - 1) * quarter;
    int low = quarters / 4;
    float fraction = quarters % 4 / 4f;
    float from = sorted[low];
    float to = sorted[Math.min(low + 1, sorted.length - 1)];
    float width = to - from;
    return fraction < 0.5f ? from + width * fraction : to - width * (1 - fraction);
  }
}
