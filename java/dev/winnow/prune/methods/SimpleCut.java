package dev.winnow.prune.methods;

import dev.winnow.InvalidInputException;
import dev.winnow.prune.Count;
import dev.winnow.prune.LayerCut;
import dev.winnow.prune.Method;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Scorers;
import dev.winnow.prune.Selectors;
import dev.winnow.prune.Settings;
import java.util.List;
import java.util.Map;

/** The honest baselines: one cut that looks at nothing. */
public final class SimpleCut implements Method {
  private final boolean random;

  private SimpleCut(boolean random) { this.random = random; }

  public static Method random() { return new SimpleCut(true); }

  public static Method uniform() { return new SimpleCut(false); }

  @Override public String name() { return random ? "random" : "uniform"; }

  @Override public String summary() {
    return random ? "Baseline: keeps a random subset of the image tokens, reproducible by its seed."
        : "Baseline: keeps evenly spaced image tokens.";
  }

  @Override public String source() { return "baseline"; }

  @Override public List<Parameter> parameters() {
    Parameter layer = new Parameter("layer", shape -> String.valueOf(Math.min(2, shape.layers() - 1)), "2",
        "cut at the input of this layer; 0 is before the decoder (ours: where FastV cuts)");
    Parameter ratio = Parameter.of("ratio", "0.5",
        "share of the image's tokens that is removed; kept = V * (1 - ratio), rounded half to even (ours: as FastV)").asCount();
    Parameter keep = Parameter.of("keep", "", "number of tokens that stays, instead of ratio (ours)").asCount();
    Parameter seed = Parameter.of("seed", "0", random ? "another seed keeps another subset (ours)"
        : "accepted for symmetry with random; changes nothing (ours)");
    return List.of(layer, ratio, keep, seed, Positions.parameter("keep", "as FastV"));
  }

  @Override public Plan plan(ModelShape shape, Settings settings) {
    int layer = settings.layer("layer", settings.integer("layer"), 0, shape.layers() - 1);
    long seed = settings.wide("seed");
    Count count = count(settings);
    LayerCut cut = random ? new LayerCut(layer, Scorers.random(seed), Selectors.top(count), LayerCut.Effect.DROP)
        : new LayerCut(layer, null, Selectors.evenlySpaced(count), LayerCut.Effect.DROP);
    return Plan.of(this, settings, List.of(cut), Positions.of(settings), true);
  }

  @Override public Map<String, String> budget(ModelShape shape, Settings settings, int imageTokens, int tokens) {
    return budget(this, shape, settings.integer("layer"), imageTokens, tokens);
  }

  /** The count that the parameters {@code keep} and {@code ratio} ask for. */
  static Count count(Settings settings) {
    return settings.has("keep") ? Count.tokens(settings.integer("keep", 0, Integer.MAX_VALUE))
        : Count.shareRemoved(settings.number("ratio", 0, 1));
  }

  /** Tokens after a single cut such that all layers together hold the budget on average: layers before the cut hold them all. */
  static Map<String, String> budget(Method method, ModelShape shape, int layer, int imageTokens, int tokens) {
    if (tokens >= imageTokens) return Map.of("keep", String.valueOf(imageTokens));
    long after = ((long) tokens * shape.layers() - (long) layer * imageTokens) / (shape.layers() - layer);
    if (after < 0) {
      throw new InvalidInputException(method.name() + " cannot average " + tokens + " of " + imageTokens + " tokens when it cuts at layer "
          + layer + "; set an earlier layer or a larger budget");
    }
    return Map.of("keep", String.valueOf(after));
  }
}
