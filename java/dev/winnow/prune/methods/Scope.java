package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.PatchScorer;
import dev.winnow.prune.PatchScorers;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.Coverage;

/** SCOPE: coverage of all patches, weighted by class attention. */
public final class Scope extends VisionMethod {
  public Scope() {
    super("scope", "Keeps the patches that together cover the picture best, weighted by class attention.",
        "Deng et al., SCOPE, NeurIPS 2025 (arXiv 2510.24214); code kinredon/SCOPE 6bf7306",
        VisionSettings.tokens(64, "of the paper's 192, 128 and 64"),
        Parameter.of("alpha", "1.0", "power of the class attention (alpha, code)"),
        Parameter.of("attention", "class",
            "class: weights by class attention, summed over heads; none: coverage alone, for towers without a class token (both in the"
            + " code)"),
        VisionSettings.block("block", "block whose class attention weighs (attentions[-2], clip_encoder.py)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    boolean weighted = settings.choice("attention", "class", "none").equals("class");
    if (weighted) VisionSettings.requireClass(name(), shape, "set attention=none, or use " + VisionSettings.WITHOUT_CLASS);
    PatchScorer scorer = weighted ? PatchScorers.classAttentionSum(VisionSettings.block(shape, settings, "block")) : null;
    return new VisionCut(Site.VISION, new PatchReducer(scorer, new Coverage(settings.number("alpha")), VisionSettings.tokens(settings)));
  }
}
