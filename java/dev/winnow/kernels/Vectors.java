package dev.winnow.kernels;

/** Small arithmetic on Java arrays. */
public final class Vectors {
  private Vectors() {}

  /** Index of the largest value; the lowest such index on ties. NaN ranks below every number. */
  public static int argmax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) if (values[i] > values[best] || Float.isNaN(values[best]) && !Float.isNaN(values[i])) best = i;
    return best;
  }
}
