package dev.winnow.prune.methods;

import dev.winnow.prune.Count;
import dev.winnow.prune.Duplication;
import dev.winnow.prune.KeyNorms;
import dev.winnow.prune.LayerCut;
import dev.winnow.prune.Method;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Settings;
import java.util.List;
import java.util.Map;

/** DART: at the input of an early decoder layer a few pivots choose the tokens that duplicate them least. */
public final class Dart implements Method {
  @Override public String name() { return "dart"; }

  @Override public String summary() {
    return "Keeps a few pivot tokens with large keys and the image tokens that resemble those pivots least.";
  }

  @Override public String source() {
    return "Wen et al., DART, EMNLP 2025 (arXiv 2502.11494); code ZichenWen1/DART (read in the fork xqy1111111/DART)";
  }

  @Override public List<Parameter> parameters() {
    return List.of(
        new Parameter("layer", shape -> String.valueOf(Math.min(2, shape.layers() - 1)), "2",
            "cut at the input of this layer (code: K = 2, modeling_llama_self.py); keys are those of the layer before"),
        Parameter.of("tokens", "128", "tokens that the pivots take together, each the same whole number; image pivots stay besides "
            + "(code: max_num_trunction, 128 of its scripts keeps 4 + 8 * 16)").asCount(),
        Parameter.of("ratio", "", "share of the image's tokens that is removed, pivots apart, instead of tokens (code: reduction_ratio)")
            .asCount(),
        Parameter.of("keep", "", "exact number of tokens that stays, instead of tokens; pivots that come first take one more (ours)")
            .asCount(),
        Parameter.of("image_pivots", "4", "pivots in the image (code: 4, get_retained_image_token)"),
        Parameter.of("text_pivots", "4", "pivots in the text behind the image (code: 4, get_retained_image_token)"),
        Positions.parameter("keep", "modeling_llama_self.py of the code"));
  }

  @Override public Plan plan(ModelShape shape, Settings settings) {
    Stages.requireDepth(name(), shape);
    int layer = settings.layer("layer", settings.integer("layer"), 1, shape.layers() - 1);
    Duplication selector = new Duplication(count(settings), settings.has("keep"), settings.integer("image_pivots", 1, 1024),
        settings.integer("text_pivots", 0, 1024));
    return Plan.of(this, settings, List.of(new LayerCut(layer, new KeyNorms(), selector, LayerCut.Effect.DROP)), Positions.of(settings),
        true);
  }

  private static Count count(Settings settings) {
    if (settings.has("keep")) return Count.tokens(settings.integer("keep", 0, Integer.MAX_VALUE));
    if (settings.has("ratio")) return Count.shareTruncated(settings.number("ratio", 0, 1));
    return Count.tokens(settings.integer("tokens", 0, Integer.MAX_VALUE));
  }

  @Override public Map<String, String> budget(ModelShape shape, Settings settings, int imageTokens, int tokens) {
    return SimpleCut.budget(this, shape, settings.integer("layer"), imageTokens, tokens);
  }
}
