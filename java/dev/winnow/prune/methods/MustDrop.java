package dev.winnow.prune.methods;

import dev.winnow.decoder.PositionPolicy;
import dev.winnow.prune.CacheCut;
import dev.winnow.prune.DualFilter;
import dev.winnow.prune.LayerCut;
import dev.winnow.prune.Method;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Selector;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.StagedTop;
import dev.winnow.prune.Survivors;
import dev.winnow.prune.TextAttention;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.WindowMerge;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * MustDrop. In the tower, windows of like patches are merged and key tokens named. Inside the decoder, behind a few layers, tokens go that
 * neither the text as a whole nor any single text row attends to, key tokens excepted. At the end of the prompt the caches of the layers
 * from the first stage on lose the tokens that did not reach the last layer.
 */
public final class MustDrop implements Method {
  private static final String OFFICIAL = "official";

  @Override public String name() { return "mustdrop"; }

  @Override public String summary() {
    return "Drops image tokens that neither the whole text nor any single text row attends to, in stages, and takes them out of earlier "
        + "layers' caches.";
  }

  @Override public String source() { return "Liu et al., MustDrop, 2024 (arXiv 2411.10803); code liuting20/MustDrop"; }

  @Override public List<Parameter> parameters() {
    return List.of(
        Parameter.of("merge", "0.8", "vision stage: windows of patches whose mean pairwise cosine behind block 0 is at least this become "
            + "one token (code: 0.8, conditional_pooling of local_merge.py); off for no vision stage (ours)"),
        new Parameter("window", MustDrop::window, "3, or the smallest number above 1 that divides the grid of patches",
            "patches on one side of a window (code: 3, conditional_pooling of local_merge.py; the paper's figure: 2)"),
        Parameter.of("key_share", "0.08", "share of the tokens left, rounded up, that are never dropped: those with the most attention "
            + "of the class token (code: 0.08, custom_forward of clip_encoder.py; the paper's figure: about 0.05); 0 for none (ours)"),
        new Parameter("key_block", shape -> String.valueOf(Math.max(0, shape.visionBlocks() - 1)), "the last block",
            "block of the tower whose class attention names key tokens (code: 23 of 24, custom_forward of clip_encoder.py)"),
        Stages.parameter("code: modelling_sparse_llama.py", 2, 6, 10, 14),
        Parameter.of("global_thr", "0.001", "a token may go if its share of all text-to-image attention is below this (code, scripts for "
            + "TextVQA: 0.001, 0.0012, 0.011 for 192, 128, 64 tokens; VizWiz: 0.005 for 64)").asCount(),
        Parameter.of("individual_thr", "0.001", "and no text row attends to it with this probability (code, scripts for TextVQA: "
            + "0.001, 0.001, 0.01 for 192, 128, 64 tokens; VizWiz: 0.001)").asCount(),
        Parameter.of("key_tokens", "", "image tokens that never go, by index, besides those that the vision stage names (ours)"),
        Parameter.of("average", "", "extension (ours): keep the tokens with the most text attention, key tokens first, so many that the "
            + "layers hold this number on average, instead of the thresholds").asCount(),
        Parameter.of("cache", "true", "whether the caches of layers from the first stage on lose, at the end of the prompt, what did not "
            + "reach the last layer (code: true, forward of modelling_sparse_llama.py; false: ours)"),
        Parameter.of("positions", OFFICIAL, "official: renumber per stage, and after the cache policy go on from the number of rows "
            + "left, as the code does although cached keys keep their rotation; renumber: the same without that jump (ours); keep: "
            + "original positions throughout (ours)"));
  }

  @Override public Plan plan(ModelShape shape, Settings settings) {
    List<Integer> after = Stages.read(name(), settings, shape);
    String positions = settings.choice("positions", OFFICIAL, "renumber", "keep");
    TextAttention scorer = new TextAttention(TextAttention.Raters.ALL, TextAttention.Pool.SUM);
    List<LayerCut> cuts = new ArrayList<>();
    for (int i = 0; i < after.size(); i++) {
      cuts.add(new LayerCut(after.get(i) + 1, scorer, selector(shape, settings, after, i), LayerCut.Effect.DROP));
    }
    boolean cutsCache = settings.choice("cache", "true", "false").equals("true") && !after.isEmpty();
    List<CacheCut> cacheCuts = cutsCache ? List.of(cachePolicy(after.get(0), shape.layers(), positions.equals(OFFICIAL))) : List.of();
    return Plan.of(this, settings, vision(shape, settings), cuts, cacheCuts, positions.equals("keep") ? PositionPolicy.KEEP
        : PositionPolicy.RENUMBER);
  }

  private static String window(ModelShape shape) {
    if (shape.patchGrid() == 0 || shape.patchGrid() % 3 == 0) return "3";
    return String.valueOf(IntStream.rangeClosed(2, shape.patchGrid()).filter(n -> shape.patchGrid() % n == 0).findFirst().orElse(1));
  }

  /** Null where there is no tower or the stage is off. */
  private VisionCut vision(ModelShape shape, Settings settings) {
    String merge = settings.values().get("merge");
    if (shape.visionBlocks() == 0 || merge.equals("off")) return null;
    VisionSettings.requireClass(name(), shape, "set merge=off to leave its vision stage out, or use sparsevlm,"
        + " divprune or pyramiddrop");
    VisionSettings.requireBlocks(name(), shape, "merges behind the first block of the vision tower",
        "merge=off, which leaves its vision stage out");
    int window = settings.integer("window", 2, Integer.MAX_VALUE);
    if (shape.patchGrid() % window != 0) {
      throw settings.wrong("window", String.valueOf(window), "a number that divides the " + shape.patchGrid()
          + " patches on one side, or set merge=off");
    }
    return new VisionCut(Site.visionBlock(0), new WindowMerge(settings.number("merge", -1, 1), window, settings.number("key_share", 0, 1),
        VisionSettings.block(shape, settings, "key_block")));
  }

  /** The cut of the caches of the layers from the first stage on. */
  public static CacheCut cachePolicy(int firstStage, int layers, boolean continueFromRows) {
    return new CacheCut(Site.Kind.CACHE, 0, IntStream.range(firstStage, layers).boxed().toList(), null, new Survivors(), continueFromRows);
  }

  private static Selector selector(ModelShape shape, Settings settings, List<Integer> after, int stage) {
    List<Integer> keys = settings.integers("key_tokens");
    if (keys.stream().anyMatch(key -> key < 0)) throw settings.wrong("key_tokens", settings.values().get("key_tokens"),
        "indices of image tokens, 0 or more");
    if (settings.has("average")) return new StagedTop(settings.integer("average", 0, Integer.MAX_VALUE), shape.layers(), after, stage,
        keys);
    return new DualFilter(settings.number("global_thr", 0, 1), settings.number("individual_thr", 0, 1), keys);
  }

  @Override public Map<String, String> budget(ModelShape shape, Settings settings, int imageTokens, int tokens) {
    if (tokens >= imageTokens) return Map.of("layers", "", "merge", "off");
    Stages.counts(name(), shape, Stages.read(name(), settings, shape), imageTokens, tokens, dropped -> 0);
    return Map.of("average", String.valueOf(tokens));
  }
}
