package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.DominantContextual;

/** VisionZip: class token, dominant patches, and contextual rows merged from the rest. */
public final class VisionZip extends VisionMethod {
  public VisionZip() {
    super("visionzip", "Keeps the class token and the patches it attends to most, and merges the rest into a few contextual rows.",
        "Yang et al., VisionZip, CVPR 2025 (arXiv 2412.04467); code dvlab-research/VisionZip 3151f6d",
        VisionSettings.tokens(64, "dominant + contextual of the code, class token counted; 54 + 10 of the paper"),
        Parameter.of("contextual", "auto",
            "merged rows of a tile, part of tokens; auto: 10 of 64, as the paper's 30 of 192, 20 of 128 and 10 of 64"),
        VisionSettings.block("block", "block whose class attention ranks and whose keys measure similarity (attentions[-2] and metric"
            + " of layers[-2], clip_encoder.py)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    VisionSettings.requireClass(name(), shape);
    boolean auto = settings.values().get("contextual").equals("auto");
    int contextual = auto ? -1 : settings.integer("contextual");
    if (!auto && contextual < 0) throw settings.wrong("contextual", String.valueOf(contextual), "auto, or 0 or more");
    return new VisionCut(Site.VISION,
        new DominantContextual(VisionSettings.block(shape, settings, "block"), VisionSettings.tokens(settings), contextual));
  }
}
