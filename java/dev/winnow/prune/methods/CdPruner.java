package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.ConditionalDpp;

/** CDPruner, and its mean-centred variant (Cen-Prune). */
public final class CdPruner extends VisionMethod {
  public CdPruner() {
    super("cdpruner", "Keeps patches that are relevant to the question and different from one another, by a determinantal point process.",
        "Zhang et al., CDPruner, NeurIPS 2025 (arXiv 2506.10967); code Theia-4869/CDPruner 9541616",
        VisionSettings.tokens(64, "visual_token_num"),
        Parameter.of("relevance", "clip", "clip: by the text tower of the CLIP folder named with --clip (paper, code); none: diversity"
            + " alone (ours)"),
        Parameter.of("centred", "false",
            "true: cosines of mean-centred rows, weighted by how little a patch resembles the others (Cen-Prune, 2026)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    boolean relevant = settings.choice("relevance", "clip", "none").equals("clip");
    if (relevant) VisionSettings.requireText(name(), shape);
    boolean centred = settings.choice("centred", "true", "false").equals("true");
    return new VisionCut(Site.PROJECTED, new PatchReducer(null, new ConditionalDpp(relevant, centred), VisionSettings.tokens(settings)));
  }
}
