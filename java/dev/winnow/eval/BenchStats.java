package dev.winnow.eval;

import java.util.List;

/** What samples of a time are reduced to. */
public final class BenchStats {
  private BenchStats() {}

  /** NaN without samples. */
  public static double median(List<Double> samples) {
    if (samples.isEmpty()) return Double.NaN;
    List<Double> sorted = samples.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }
}
