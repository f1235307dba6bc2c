package dev.winnow.prune.methods;

import dev.winnow.decoder.PositionPolicy;
import dev.winnow.prune.CorrectedTextAttention;
import dev.winnow.prune.Count;
import dev.winnow.prune.DensityPeaks;
import dev.winnow.prune.LayerCut;
import dev.winnow.prune.Method;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Plan;
import dev.winnow.prune.RankRule;
import dev.winnow.prune.Scorer;
import dev.winnow.prune.Selector;
import dev.winnow.prune.Selectors;
import dev.winnow.prune.Settings;
import dev.winnow.prune.TextAttention;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * SparseVLM: behind a few decoder layers the text rows that resemble the image rank its tokens by their attention; the best of the dropped
 * ones come back as a few cluster tokens. Its code has three rules for how many stay, named here by {@code version}.
 */
public final class SparseVlm implements Method {
  private static final String RANK = "rank";
  private static final String TABLE = "1_0";
  private static final String CORRECTED = "2_0";
  private static final Map<Integer, int[]> TABLES = Map.of(192, new int[] {300, 200, 110}, 128, new int[] {303, 110, 36}, 96,
      new int[] {238, 48, 26},
      64, new int[] {66, 30, 17});
  private static final Map<Integer, int[]> CORRECTED_TABLES = Map.of(192, new int[] {300, 200, 118}, 128, new int[] {238, 108, 60},
      96, new int[] {246, 54, 28}, 64, new int[] {66, 34, 20});

  @Override public String name() { return "sparsevlm"; }

  @Override public String summary() {
    return "Drops the image tokens that the text rows closest to the image attend to least, and brings the best of them back as cluster "
        + "tokens.";
  }

  @Override public String source() { return "Zhang et al., SparseVLM, ICML 2025 (arXiv 2410.04417); code Gumpest/SparseVLMs"; }

  @Override public List<Parameter> parameters() {
    return List.of(
        Parameter.of("version", TABLE, "1_0: fixed counts, recycling (code: branch v1.5, and USE_VERSION=1_0 of main); rank: counts from"
            + " the rank of the raters' attention (code: v1.0, published with layers 2,6,15,19); 2_0: attention corrected for distance,"
            + " best heads only, no recycling, positions kept (SparseVLM+; code: USE_VERSION=2_0)"),
        Stages.parameter("code: modelling_sparse_llama.py; paper: every layer", 2, 6, 15),
        Parameter.of("table", "192", "versions 1_0 and 2_0: table of counts, 192, 128, 96 or 64, made for 576 tokens and 32 layers (code:"
            + " RETAIN_TOKN, score.py; --retained_tokens in v1.5)").asCount(),
        Parameter.of("keep", "", "tokens that stay at each layer, before clusters, instead of the version's rule (ours); at least one "
            + "always goes (code: min(table, V - 1))").asCount(),
        Parameter.of("scale", "13.5", "version rank: tokens that stay = trunc(rank * scale + bias) (code v1.0: --scale, --bias; released "
            + "pairs 13.5,0; 9,6; 0.8,0; paper, 'deletions': V - rank times lambda go)").asCount(),
        Parameter.of("bias", "0", "version rank: see scale (code v1.0: --bias)").asCount(),
        Parameter.of("raters", "above-mean", "text rows that rank: above-mean (code, forward of modelling_sparse_llama.py), at-least-mean "
            + "(paper) or all (ours)"),
        Parameter.of("recycle", "0.3", "share of the dropped tokens that is recycled, one more than that; 0 for none (tau of the paper; "
            + "code: 0.3)"),
        Parameter.of("per_cluster", "10", "recycled tokens per cluster token, one cluster more than that (1/theta of the paper; code: 10)"),
        Parameter.of("reconstruction", "mean", "mean (code, cluster_and_merge of utils.py) or sum (paper) of a cluster's tokens"),
        Parameter.of("heads", "14", "version 2_0: heads that count, those with the most attention to the image (code: 14, "
            + "select_attn_head_by_sum of score.py)"),
        Parameter.of("theta", "10000", "version 2_0: rotary base in the distance weight (code: 10000, USE_VERSION=2_0)"),
        Parameter.of("positions", "", "keep or renumber; empty for the version's own: renumber, and keep for 2_0 (both code)"));
  }

  @Override public Plan plan(ModelShape shape, Settings settings) {
    String version = settings.choice("version", TABLE, RANK, CORRECTED);
    List<Integer> after = Stages.read(name(), settings, shape);
    Scorer scorer = scorer(settings, version);
    DensityPeaks merger = version.equals(CORRECTED) ? null : merger(settings);
    List<LayerCut> cuts = new ArrayList<>();
    for (int i = 0; i < after.size(); i++) cuts.add(new LayerCut(after.get(i) + 1, scorer, selector(settings, version, after.size(), i),
        merger));
    PositionPolicy byVersion = version.equals(CORRECTED) ? PositionPolicy.KEEP : PositionPolicy.RENUMBER;
    return Plan.of(this, settings, cuts, settings.has("positions") ? Positions.of(settings) : byVersion, true);
  }

  private static Scorer scorer(Settings settings, String version) {
    TextAttention.Raters raters = switch (settings.choice("raters", "above-mean", "at-least-mean", "all")) {
      case "all" -> TextAttention.Raters.ALL;
      case "at-least-mean" -> TextAttention.Raters.AT_LEAST_MEAN;
      default -> TextAttention.Raters.ABOVE_MEAN;
    };
    if (!version.equals(CORRECTED)) return new TextAttention(raters, TextAttention.Pool.MEAN);
    return new CorrectedTextAttention(raters, settings.integer("heads", 1, Integer.MAX_VALUE), settings.number("theta", 1,
        Double.MAX_VALUE));
  }

  /** Null where nothing is recycled. */
  private static DensityPeaks merger(Settings settings) {
    double share = settings.number("recycle", 0, 1);
    boolean sum = settings.choice("reconstruction", "mean", "sum").equals("sum");
    return share == 0 ? null : new DensityPeaks(share, settings.integer("per_cluster", 1, Integer.MAX_VALUE), sum);
  }

  private Selector selector(Settings settings, String version, int stages, int stage) {
    if (settings.has("keep")) {
      List<Integer> keep = settings.integers("keep");
      if (keep.size() != stages || keep.stream().anyMatch(k -> k < 0)) {
        throw settings.wrong("keep", settings.values().get("keep"), "one count per layer (" + stages + "), 0 or more");
      }
      return atMost(keep.get(stage));
    }
    if (version.equals(RANK)) return new RankRule(settings.number("scale"), settings.number("bias"));
    int[] counts = table(version, Integer.parseInt(settings.choice("table", "192", "128", "96", "64")));
    if (stage >= counts.length) throw settings.wrong("layers", settings.values().get("layers"),
        "at most 3 layers with a table, or counts in keep");
    return atMost(counts[stage]);
  }

  private static Selector atMost(int count) { return new Selectors.Top(Count.tokens(count), 0, false, 1); }

  /** Tokens that stay at each stage by the code's table for a budget of 192, 128, 96 or 64. */
  public static int[] table(String version, int budget) {
    return (version.equals(CORRECTED) ? CORRECTED_TABLES
        : TABLES).get(budget).clone();
  }

  /**
   * Tokens kept and clusters made at each stage of an image of {@code tokens} tokens under a table.
   *
   * @return [stages][2]
   */
  public static int[][] schedule(String version, int table, int tokens) {
    int[] counts = table(version, table);
    DensityPeaks merger = new DensityPeaks(0.3, 10, false);
    int[][] schedule = new int[counts.length][2];
    for (int i = 0; i < counts.length; i++) {
      schedule[i][0] = Math.min(counts[i], tokens - 1);
      schedule[i][1] = version.equals(CORRECTED) ? 0 : merger.clusters(tokens - schedule[i][0]);
      tokens = schedule[i][0] + schedule[i][1];
    }
    return schedule;
  }

  /** Counts per stage that fall by the same share and, with their clusters, hold the budget; none of the tables is used then. */
  @Override public Map<String, String> budget(ModelShape shape, Settings settings, int imageTokens, int tokens) {
    if (tokens >= imageTokens) return Map.of("layers", "");
    DensityPeaks merger = settings.choice("version", TABLE, RANK, CORRECTED).equals(CORRECTED) ? null : merger(settings);
    int[] counts = Stages.counts(name(), shape, Stages.read(name(), settings, shape), imageTokens, tokens, dropped -> merger == null ? 0
        : merger.clusters(dropped));
    return Map.of("keep", IntStream.of(counts).mapToObj(String::valueOf).collect(Collectors.joining(",")));
  }
}
