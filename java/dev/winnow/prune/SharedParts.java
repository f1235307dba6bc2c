package dev.winnow.prune;

import dev.winnow.InvalidInputException;
import java.util.ArrayList;
import java.util.List;

/** Registers the parts that methods share. */
final class SharedParts {
  private static final List<Parameter> COUNT = List.of(
      Parameter.of("tokens", "", "how many stay: a number"),
      Parameter.of("share", "", "or a share of the image, truncated to a whole number"),
      Parameter.of("removed", "", "or one minus the share that goes, rounded half to even"),
      Parameter.of("removed_truncated", "", "the same, truncated"));
  private static final Parameter RATERS = Parameter.of("raters", "above-mean", "text rows that count: above-mean, at-least-mean or all");
  private static final Parameter KEYS = Parameter.of("keys", "", "tokens that never go, by index");

  private SharedParts() {}

  static void register() {
    scorers();
    selectors();
    Parts.merger("density-peaks", List.of(Parameter.of("share", "0.3", "share of the dropped tokens that is recycled, one more than that"),
        Parameter.of("per_cluster", "10", "recycled tokens per cluster"), Parameter.of("reconstruction", "mean", "mean or sum")),
        settings -> new DensityPeaks(settings.number("share", 0, 1), settings.integer("per_cluster", 1, Integer.MAX_VALUE),
            settings.choice("reconstruction", "mean", "sum").equals("sum")));
    Parts.cacheScorer("paid-attention", List.of(Parameter.of("rows", "1", "site cache: last prompt rows that count"),
        Parameter.of("layers", "own", "own: every layer decides for its own cache; or layers whose mean decides for all")),
        settings -> new CacheAttention(settings.integer("rows", 1, Integer.MAX_VALUE), settings.values().get("layers").equals("own") ? null
            : settings.integers("layers")));
  }

  private static void scorers() {
    Parts.scorer("last-row-attention", List.of(Parameter.of("of", "layer-before", "layer-before or layer-itself: whose queries and keys")),
        settings -> Scorers.lastRowAttention(settings.choice("of", "layer-before", "layer-itself").equals("layer-itself")
            ? Scorer.Input.LAYER_ITSELF
            : Scorer.Input.LAYER_BEFORE));
    Parts.scorer("random", List.of(Parameter.of("seed", "0", "another seed, another order")), settings ->
        Scorers.random(settings.wide("seed")));
    Parts.scorer("text-attention", List.of(RATERS, Parameter.of("pool", "mean", "mean or sum over the raters")),
        settings -> new TextAttention(raters(settings), PlanWords.read(TextAttention.Pool.class, settings.choice("pool",
            PlanWords.all(TextAttention.Pool.values())))));
    Parts.scorer("corrected-text-attention", List.of(RATERS, Parameter.of("heads", "14", "heads that count"), Parameter.of("theta", "10000",
        "rotary base")),
        settings -> new CorrectedTextAttention(raters(settings), settings.integer("heads", 1, Integer.MAX_VALUE), settings.number("theta",
            1, Double.MAX_VALUE)));
    Parts.scorer("key-norms", List.of(), settings -> new KeyNorms());
  }

  private static void selectors() {
    List<Parameter> top = new ArrayList<>(COUNT);
    top.add(Parameter.of("floor", "0", "tokens that stay at least"));
    top.add(Parameter.of("of", "original", "original or present: what a share is a share of"));
    top.add(Parameter.of("drop", "0", "tokens that go at least"));
    Parts.selector("top", top, settings -> new Selectors.Top(count(settings), settings.integer("floor", 0, Integer.MAX_VALUE),
        settings.choice("of", "original", "present").equals("present"), settings.integer("drop", 0, Integer.MAX_VALUE)));
    Parts.selector("even", COUNT, settings -> Selectors.evenlySpaced(count(settings)));
    Parts.selector("none", List.of(), settings -> Selectors.none());
    Parts.selector("rank", List.of(Parameter.of("scale", "13.5", "tokens per rank"), Parameter.of("bias", "0", "tokens besides")),
        settings -> new RankRule(settings.number("scale"), settings.number("bias")));
    Parts.selector("dual-filter", List.of(Parameter.of("global", "0.001", "least share of the text's attention"),
        Parameter.of("individual", "0.001", "least attention of any text row"), KEYS),
        settings -> new DualFilter(settings.number("global", 0, 1), settings.number("individual", 0, 1), settings.integers("keys")));
    Parts.selector("staged-top", List.of(Parameter.of("average", "", "tokens on average over the layers"), Parameter.of("layers", "",
        "decoder layers"),
        Parameter.of("after", "", "layers behind which the stages cut"), Parameter.of("stage", "0", "number of this stage"), KEYS),
            SharedParts::staged);
    List<Parameter> duplication = new ArrayList<>(COUNT);
    duplication.add(Parameter.of("exact", "false", "whether the count is what stays, instead of what the pivots take together"));
    duplication.add(Parameter.of("image_pivots", "4", "pivots in the image"));
    duplication.add(Parameter.of("text_pivots", "4", "pivots in the text"));
    Parts.selector("duplication", duplication, settings -> new Duplication(count(settings), settings.choice("exact", "true",
        "false").equals("true"),
        settings.integer("image_pivots", 1, 1024), settings.integer("text_pivots", 0, 1024)));
    Parts.selector("survivors", List.of(), settings -> new Survivors());
  }

  private static StagedTop staged(Settings settings) {
    List<Integer> after = settings.integers("after");
    int stage = settings.integer("stage", 0, Math.max(0, after.size() - 1));
    return new StagedTop(settings.integer("average", 0, Integer.MAX_VALUE), settings.integer("layers", 1, Integer.MAX_VALUE), after, stage,
        settings.integers("keys"));
  }

  private static TextAttention.Raters raters(Settings settings) {
    return PlanWords.read(TextAttention.Raters.class, settings.choice("raters", PlanWords.all(TextAttention.Raters.values())));
  }

  private static Count count(Settings settings) {
    List<String> given = COUNT.stream().map(Parameter::name).filter(settings::has).toList();
    if (given.size() != 1) throw new InvalidInputException("how many stay must be given once: tokens, share, removed or removed_truncated");
    return switch (given.get(0)) {
      case "tokens" -> Count.tokens(settings.integer("tokens", 0, Integer.MAX_VALUE));
      case "share" -> Count.shareKept(settings.number("share", 0, 1));
      case "removed" -> Count.shareRemoved(settings.number("removed", 0, 1));
      default -> Count.shareTruncated(settings.number("removed_truncated", 0, 1));
    };
  }
}
