package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.PatchScorer;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.EntropyRelevance;
import dev.winnow.prune.patches.ImportantCoverage;

/** EADP: facility location over projected rows, weighted by relevance to the question. */
public final class Eadp extends VisionMethod {
  public Eadp() {
    super("eadp", "Keeps the patches that best cover what in the picture is relevant to the question.",
        "EADP, ECCV 2026 (arXiv 2607.02484); code SJTU-DeepVisionLab/EADP e1a0880",
        VisionSettings.tokens(64, "visual_token_num"),
        Parameter.of("relevance", "clip", "clip: by the text tower of the CLIP folder named with --clip (paper, code); none: every patch"
            + " counts alike (ours)"),
        Parameter.of("alpha", "0.5", "weight of the whole question beside its single text positions (alpha, code)"),
        Parameter.of("beta", "1.0", "power of the importance (1 in the code; the paper goes up to 10)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    boolean relevant = settings.choice("relevance", "clip", "none").equals("clip");
    if (relevant) VisionSettings.requireText(name(), shape);
    PatchScorer scorer = relevant ? new EntropyRelevance(settings.number("alpha"), settings.number("beta")) : null;
    return new VisionCut(Site.PROJECTED,
        new PatchReducer(scorer, ImportantCoverage.BY_IMPORTANCE, new ImportantCoverage(), VisionSettings.tokens(settings)));
  }
}
