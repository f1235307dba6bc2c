package dev.winnow.prune.methods;

import dev.winnow.prune.LayerCut;
import dev.winnow.prune.Method;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Selectors;
import dev.winnow.prune.Settings;
import java.util.List;
import java.util.Map;

/** Visual Tokens Withdrawal: all image tokens leave at the input of one layer. */
public final class Vtw implements Method {
  @Override public String name() { return "vtw"; }

  @Override public String summary() {
    return "Withdraws every image token at the input of one decoder layer; deeper layers see text only.";
  }

  @Override public String source() { return "Lin et al., VTW, AAAI 2025 (arXiv 2405.05803); code lzhxmu/VTW"; }

  @Override public List<Parameter> parameters() {
    return List.of(
        new Parameter("layer", shape -> String.valueOf(shape.layers() / 2), "half the depth (16 of 32)",
            "first layer without image tokens (K; code: 15 or 16 of 32, 20 of 40); the number of layers means never. The paper finds it by"
                + " the KL of the first answer token: winnow calibrate vtw").asCount(),
        Positions.parameter("keep", "pe_type of VTW.py"));
  }

  @Override public Plan plan(ModelShape shape, Settings settings) {
    int layer = settings.layer("layer", settings.integer("layer"), 0, shape.layers());
    List<LayerCut> cuts = layer == shape.layers() ? List.of() : List.of(new LayerCut(layer, null, Selectors.none(), LayerCut.Effect.DROP));
    return Plan.of(this, settings, cuts, Positions.of(settings), true);
  }

  /** The deepest layer whose average does not exceed the budget. */
  @Override public Map<String, String> budget(ModelShape shape, Settings settings, int imageTokens, int tokens) {
    return Map.of("layer", String.valueOf((int) Math.min(shape.layers(), (long) tokens * shape.layers() / imageTokens)));
  }
}
