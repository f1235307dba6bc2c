package dev.winnow.engine;

import dev.winnow.checkpoint.TextConfig;

/**
 * Floating-point operations of a prompt in the decoder, two per multiply-add: projections, causal attention and feed-forward of every layer
 * for the rows that reach it, and the output head for one row. The ranking itself is left out, as in the papers.
 *
 * @param full with every row in every layer
 * @param pruned with the rows that reached each layer
 */
public record Flops(double full, double pruned) {
  /**
   * @param rows new rows per layer
   * @param total new rows before any cut
   * @param past rows already cached per layer
   */
  public static Flops of(TextConfig config, int[] rows, int total, int[] past) {
    double full = head(config);
    double pruned = head(config);
    for (int i = 0; i < rows.length; i++) {
      full += layer(config, total, past[i]);
      pruned += layer(config, rows[i], past[i]);
    }
    return new Flops(full, pruned);
  }

  public double speedup() { return full / pruned; }

  private static double layer(TextConfig c, double n, double past) {
    double queries = (double) c.heads() * c.headDim();
    double keys = (double) c.kvHeads() * c.headDim();
    double perRow = c.hidden() * (2 * queries + 2 * keys) + 3.0 * c.hidden() * c.intermediate();
    double pairs = n * past + n * (n + 1) / 2;
    return 2 * (n * perRow + 2 * pairs * queries);
  }

  private static double head(TextConfig c) { return 2.0 * c.hidden() * c.vocab(); }
}
