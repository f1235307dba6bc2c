package dev.winnow.calibrate;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.TextConfig;
import dev.winnow.decoder.KvCache;
import dev.winnow.engine.PromptSize;
import dev.winnow.engine.SequenceRun;
import dev.winnow.kernels.Dtype;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlannedRows;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntFunction;

/**
 * The largest budget under which a prompt meets targets of memory and time.
 *
 * @param kvBytes most bytes of the KV cache when the prompt is done; infinite for any number
 * @param millis most milliseconds of vision and prompt; infinite for any number
 * @param cost predicts those; null without a target of time
 */
public record BudgetTarget(double kvBytes, double millis, PromptCost cost) {
  /**
   * What is expected under a budget.
   *
   * @param budget tokens of a picture on average over the layers
   * @param kvBytes that the pool holds when the prompt is done, room for the answer included
   * @param millis of vision and prompt; NaN without a cost model
   */
  public record Choice(int budget, long kvBytes, double millis) {}

  public BudgetTarget {
    require("target-kv-mb", kvBytes);
    require("target-ms", millis);
  }

  private static void require(String option, double value) {
    if (!(value > 0)) throw new InvalidInputException(option + " must be a number above 0");
  }

  /**
   * Tries every budget from the largest picture's tokens down, since the figures of a method need not fall evenly.
   *
   * @param plan of a method by budget; throws InvalidInputException where it cannot meet one
   * @throws InvalidInputException if no budget meets the targets, with the smallest figures that can be had
   */
  public Choice choose(PromptSize size, TextConfig config, Dtype dtype, IntFunction<Plan> plan) {
    Choice leastBytes = null;
    Choice leastMillis = null;
    InvalidInputException refused = null;
    for (int budget = Arrays.stream(size.images()).max().orElse(0); budget >= 0; budget--) {
      Choice choice;
      try {
        choice = expect(budget, size, config, dtype, plan.apply(budget));
      } catch (InvalidInputException e) {
        refused = e;
        continue;
      }
      // NaN, where time does not matter, is no more than anything
      if (choice.kvBytes() <= kvBytes && !(choice.millis() > millis)) return choice;
      if (leastBytes == null || choice.kvBytes() < leastBytes.kvBytes()) leastBytes = choice;
      if (leastMillis == null || choice.millis() < leastMillis.millis()) leastMillis = choice;
    }
    if (leastBytes == null) throw refused;
    String least = leastBytes.kvBytes() > kvBytes
        ? text("the KV cache would hold %.2f MiB at least, at a budget of %d, more than the %.2f MiB of --target-kv-mb",
            mib(leastBytes.kvBytes()), leastBytes.budget(), mib(kvBytes))
        : text("vision and prompt would take %.1f ms at least, at a budget of %d, more than the %.1f ms of --target-ms%s",
            leastMillis.millis(), leastMillis.budget(), millis, leastMillis.millis() > millis ? "" : " where the cache is small enough");
    throw new InvalidInputException(least + "; raise the target, take another method or a shorter prompt");
  }

  private Choice expect(int budget, PromptSize size, TextConfig config, Dtype dtype, Plan plan) {
    int[] rows = new int[config.layers()];
    Arrays.fill(rows, size.text());
    for (int tokens : size.images()) {
      int[] image = PlannedRows.of(plan, config.layers(), tokens);
      for (int layer = 0; layer < rows.length; layer++) rows[layer] += image[layer];
    }
    long bytes = 0;
    for (int layer = 0; layer < rows.length; layer++) {
      int held = size.cached()[layer] + rows[layer];
      bytes += PlannedRows.copies(plan, layer) * KvCache.layerBytes(config, dtype, held, SequenceRun.headroom(size.newTokens()));
    }
    return new Choice(budget, bytes, cost == null ? Double.NaN : cost.millis(size, plan, budget));
  }

  private static double mib(double bytes) { return bytes / (1 << 20); }

  private static String text(String format, Object... values) { return String.format(Locale.ROOT, format, values); }
}
