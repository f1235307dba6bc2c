package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.PatchScorers;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.ImportantDiverse;

/** VisPruner: half by class attention, half by diversity of the rest. */
public final class VisPruner extends VisionMethod {
  public VisPruner() {
    super("vispruner", "Keeps patches with much class attention and, of the rest, ones that are no near duplicates.",
        "Zhang et al., VisPruner, ICCV 2025 (arXiv 2412.01818 v2); code Theia-4869/VisPruner aefa01a",
        VisionSettings.tokens(64, "visual_token_num"),
        Parameter.of("ratio", "0.5", "share of them that class attention chooses (important_ratio)"),
        VisionSettings.block("block", "block whose class attention ranks the patches (attentions[-2], code)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    VisionSettings.requireClass(name(), shape);
    double ratio = settings.number("ratio");
    if (!(ratio >= 0 && ratio <= 1)) throw settings.wrong("ratio", String.valueOf(ratio), "a share from 0 to 1");
    int block = VisionSettings.block(shape, settings, "block");
    return new VisionCut(Site.VISION,
        new PatchReducer(PatchScorers.classAttention(block), new ImportantDiverse(ratio), VisionSettings.tokens(settings)));
  }
}
