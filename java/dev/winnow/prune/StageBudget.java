package dev.winnow.prune;

import java.util.List;
import java.util.function.IntUnaryOperator;

/** Spreads a budget over stages of a falling number of tokens. */
public final class StageBudget {
  private StageBudget() {}

  /**
   * Tokens that stay at each stage such that the layers together hold at most the budget on average: the largest share s for which stages
   * of total * s, total * s^2, ... do.
   *
   * @param total tokens of the image as it enters
   * @param layers decoder layers
   * @param after layers behind which the stages cut, ascending
   * @param average tokens on average over the layers
   * @param merged tokens that are made of that many dropped ones, 0 without merging
   * @return per stage; all 0 where even that holds more
   */
  public static int[] counts(int total, int layers, List<Integer> after, int average, IntUnaryOperator merged) {
    double low = 0;
    double high = 1;
    if (average >= total) low = 1;
    for (int i = 0; i < 60 && low < 1; i++) {
      double middle = (low + high) / 2;
      if (held(total, layers, after, counts(total, after.size(), middle), merged) <= (long) average * layers) low = middle;
      else high = middle;
    }
    return counts(total, after.size(), low);
  }

  private static int[] counts(int total, int stages, double share) {
    int[] counts = new int[stages];
    for (int i = 0; i < stages; i++) counts[i] = (int) (total * Math.pow(share, i + 1));
    return counts;
  }

  /** Tokens of all layers together, counted where they enter a layer. */
  public static long held(int total, int layers, List<Integer> after, int[] counts, IntUnaryOperator merged) {
    long held = 0;
    int present = total;
    for (int i = 0; i <= counts.length; i++) {
      int from = i == 0 ? 0 : after.get(i - 1) + 1;
      int to = i == counts.length ? layers : after.get(i) + 1;
      held += (long) (to - from) * present;
      if (i < counts.length) present = Math.min(present, counts[i]) + merged.applyAsInt(Math.max(0, present - counts[i]));
    }
    return held;
  }
}
