package dev.winnow.calibrate;

import java.util.List;

/**
 * Milliseconds of a prompt in the decoder on one machine by the rows that each layer gets: a fixed part, a part per row (projections and
 * feed-forward) and a part per pair of rows (attention). Tower and pruning are {@link PruningCost}'s.
 *
 * @param fixed of a prompt
 * @param perRow of one row in one layer
 * @param perPair of a row that attends to another in one layer
 */
public record CostModel(double fixed, double perRow, double perPair) {
  private static final int TERMS = 3;

  /** A prompt of so many rows in every layer took so long. */
  public record Sample(int rows, double millis) {}

  /**
   * The model whose relative errors have the least sum of squares, with no negative part, so that more rows never cost less.
   *
   * @param samples of different numbers of rows, three or more
   */
  public static CostModel fit(List<Sample> samples, int layers) {
    double[] best = new double[TERMS];
    double least = Double.POSITIVE_INFINITY;
    for (int used = 1; used < 1 << TERMS; used++) {
      double[] parts = solve(samples, layers, used);
      double error = error(samples, layers, parts);
      if (!(error < least) || parts[0] < 0 || parts[1] < 0 || parts[2] < 0) continue;
      least = error;
      best = parts;
    }
    return new CostModel(best[0], best[1], best[2]);
  }

  /**
   * @param rows new rows of each layer
   * @param cached rows that each layer holds already
   */
  public double millis(int[] rows, int[] cached) {
    double millis = fixed;
    for (int layer = 0; layer < rows.length; layer++) millis += perRow * rows[layer] + perPair * pairs(rows[layer], cached[layer]);
    return millis;
  }

  private static double pairs(double rows, double cached) { return rows * cached + rows * (rows + 1) / 2; }

  private static double[] terms(Sample sample, int layers) {
    return new double[] {1, (double) layers * sample.rows(), layers * pairs(sample.rows(), 0)};
  }

  private static double error(List<Sample> samples, int layers, double[] parts) {
    double error = 0;
    for (Sample sample : samples) {
      double[] terms = terms(sample, layers);
      double off = (parts[0] * terms[0] + parts[1] * terms[1] + parts[2] * terms[2]) / sample.millis() - 1;
      error += off * off;
    }
    return error;
  }

  /** Least squares over the terms whose bit in {@code used} is set, by Gram and Schmidt, which keeps their very different sizes apart. */
  private static double[] solve(List<Sample> samples, int layers, int used) {
    double[][] q = new double[TERMS][];
    double[][] r = new double[TERMS][TERMS];
    double[] parts = new double[TERMS];
    for (int t = 0; t < TERMS; t++) {
      if ((used >> t & 1) == 0) continue;
      int term = t;
      q[t] = samples.stream().mapToDouble(sample -> terms(sample, layers)[term] / sample.millis()).toArray();
      for (int s = 0; s < t; s++) {
        if (q[s] == null) continue;
        r[s][t] = dot(q[s], q[t]);
        for (int i = 0; i < q[t].length; i++) q[t][i] -= r[s][t] * q[s][i];
      }
      r[t][t] = Math.sqrt(dot(q[t], q[t]));
      for (int i = 0; i < q[t].length; i++) q[t][i] /= r[t][t];
    }
    for (int t = TERMS - 1; t >= 0; t--) {
      if (q[t] == null) continue;
      double value = 0;
      for (double entry : q[t]) value += entry;
      for (int s = t + 1; s < TERMS; s++) value -= r[t][s] * parts[s];
      parts[t] = value / r[t][t];
    }
    return parts;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) sum += a[i] * b[i];
    return sum;
  }
}
