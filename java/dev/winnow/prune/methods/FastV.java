package dev.winnow.prune.methods;

import dev.winnow.prune.LayerCut;
import dev.winnow.prune.Method;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Scorer;
import dev.winnow.prune.Scorers;
import dev.winnow.prune.Selectors;
import dev.winnow.prune.Settings;
import java.util.List;
import java.util.Map;

/**
 * FastV: at the input of layer K the image tokens are ranked by the last row of layer K-1's attention (softmax over all keys, mean over
 * heads). Its four public implementations differ in what happens to the rest; {@code variant} names the one reproduced.
 */
public final class FastV implements Method {
  @Override public String name() { return "fastv"; }

  @Override public String summary() {
    return "Drops the image tokens that the last prompt token attends to least in an early decoder layer.";
  }

  @Override public String source() { return "Chen et al., FastV, ECCV 2024 (arXiv 2403.06764); code pkunlp-icler/FastV"; }

  @Override public List<Parameter> parameters() {
    return List.of(
        new Parameter("layer", shape -> String.valueOf(Math.min(2, shape.layers() - 1)), "2",
            "cut at the input of this layer, ranked by the attention of the layer before (K: 2 in the paper, 3 in fastv_kvcache.py and the"
                + " demo of the code)"),
        Parameter.of("ratio", "0.5", "share of the image's tokens that is removed (R of the paper); kept = V * (1 - ratio), rounded half to"
            + " even (code: fastv_r of fastv_forward, llava-hf)").asCount(),
        Parameter.of("keep", "", "number of tokens that stays, instead of ratio (code: fast_v_attention_rank)").asCount(),
        Parameter.of("variant", "hf", "one of the public codes. hf: drop once and cache (fastv_forward, llava-hf); lmms: the same, but the"
            + " ranking layer's cache is stored twice (fastv_kvcache.py, lmms-eval); inplace: the whole sequence is computed and ranked"
            + " anew for every token (fast_v_inplace=True); mask: tokens stay but are hidden, ranked anew for every token"
            + " (fast_v_inplace=False)"),
        Parameter.of("cache", "true", "variant mask only: false computes the whole sequence anew for every token (code: use_cache)"),
        Positions.parameter("keep", "all codes"));
  }

  @Override public Plan plan(ModelShape shape, Settings settings) {
    Stages.requireDepth(name(), shape);
    int layer = settings.layer("layer", settings.integer("layer"), 1, shape.layers() - 1);
    String variant = settings.choice("variant", "hf", "lmms", "inplace", "mask");
    boolean cached = settings.choice("cache", "true", "false").equals("true") && !variant.equals("inplace");
    LayerCut.Effect effect = variant.equals("mask") ? LayerCut.Effect.HIDE : LayerCut.Effect.DROP;
    LayerCut cut = new LayerCut(layer, Scorers.lastRowAttention(Scorer.Input.LAYER_BEFORE), Selectors.top(SimpleCut.count(settings)),
        null, effect, variant.equals("lmms"));
    return Plan.of(this, settings, List.of(cut), Positions.of(settings), cached);
  }

  @Override public Map<String, String> budget(ModelShape shape, Settings settings, int imageTokens, int tokens) {
    return SimpleCut.budget(this, shape, settings.integer("layer"), imageTokens, tokens);
  }
}
