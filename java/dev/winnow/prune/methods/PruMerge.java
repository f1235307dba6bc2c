package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.PruMergeReducer;
import dev.winnow.prune.patches.PruMergeReducer.Rule;

/** LLaVA-PruMerge and, with a spatial supplement, PruMerge+. */
public final class PruMerge extends VisionMethod {
  private final boolean plus;

  private PruMerge(boolean plus) {
    super(plus ? "prumerge_plus" : "prumerge",
        "Keeps the patches whose class attention is an outlier" + (plus ? ", adds evenly spaced ones," : "")
            + " and merges similar patches into them.",
        "Shang et al., LLaVA-PruMerge, 2024 (arXiv 2403.15388); code 42Shawn/LLaVA-PruMerge 097c041",
        Parameter.of("adaptive", "true", "true: as many as there are outliers above Q3 + 1.5 IQR, over all tiles; false: the share"
            + " ratio (if_adaptive, clip_encoder.py)").asCount(),
        Parameter.of("ratio", "0.125", "share of the patches that attention keeps, where adaptive is false (reduction_ratio)").asCount(),
        Parameter.of("tokens", "", "rows of one picture, all tiles and extra rows together, instead of adaptive: the fixed-budget variant"
            + (plus ? " of EffiVLM-Bench" : ", plain top attention (ours)")).asCount(),
        new Parameter("block", shape -> String.valueOf(Math.min(VisionSettings.featureBlock(shape) + 1, shape.visionBlocks() - 1)),
            "block behind the features", "block whose queries and keys are used (23 of 24 in the public code)"));
    this.plus = plus;
  }

  public static PruMerge plain() { return new PruMerge(false); }

  public static PruMerge withSupplement() { return new PruMerge(true); }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    VisionSettings.requireClass(name(), shape);
    boolean adaptive = settings.choice("adaptive", "true", "false").equals("true");
    double ratio = settings.number("ratio");
    if (!(ratio > 0 && ratio <= 1)) throw settings.wrong("ratio", String.valueOf(ratio), "a share above 0, up to 1");
    int block = VisionSettings.block(shape, settings, "block");
    if (settings.has("tokens")) {
      return new VisionCut(Site.VISION, new PruMergeReducer(block, plus, Rule.TOKENS, VisionSettings.tokens(settings)));
    }
    return new VisionCut(Site.VISION, new PruMergeReducer(block, plus, adaptive ? Rule.OUTLIERS : Rule.SHARE, ratio));
  }
}
