package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.PatchScorers;
import dev.winnow.prune.PatchSelectors;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;

/** FasterVLM: the patches that the class token attends to most, softmax per head, mean over heads. */
public final class FasterVlm extends VisionMethod {
  public FasterVlm() {
    super("fastervlm", "Keeps the patches that the vision tower's class token attends to most.",
        "Zhang et al., FasterVLM, 2024 (arXiv 2412.01818 v1); code Theia-4869/FasterVLM f5d5f12",
        VisionSettings.tokens(144, "visual_token_num, README"),
        VisionSettings.block("block", "block whose class attention ranks the patches (attentions[-2], code)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    VisionSettings.requireClass(name(), shape);
    int block = VisionSettings.block(shape, settings, "block");
    return new VisionCut(Site.VISION,
        new PatchReducer(PatchScorers.classAttention(block), PatchSelectors.top(), VisionSettings.tokens(settings)));
  }
}
