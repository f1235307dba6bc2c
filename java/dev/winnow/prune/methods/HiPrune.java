package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.PatchScorers;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.AnchorNeighbours;

/** HiPrune: anchors of a middle block with their neighbours, the rest by attention received in the feature block. */
public final class HiPrune extends VisionMethod {
  public HiPrune() {
    super("hiprune",
        "Keeps the patches that receive the most attention in the tower, plus surroundings of those that a middle block looks at.",
        "Liu et al., HiPrune, 2025 (arXiv 2508.00553); code Danielement321/HiPrune 6e83a12",
        VisionSettings.tokens(192, "HIPRUNE_RETENTION"),
        Parameter.of("alpha", "0.1", "share of the budget for anchors and their neighbours, five patches each (alpha, code)"),
        new Parameter("middle", shape -> String.valueOf(shape.visionBlocks() / 3), "a third of the way: 8 of 24", "block of the anchors"
            + " (the code's 9, counted from 1)"),
        VisionSettings.block("block", "block whose attention ranks the rest (22 of 24, code)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    double alpha = settings.number("alpha");
    if (!(alpha >= 0 && alpha <= 1)) throw settings.wrong("alpha", String.valueOf(alpha), "a share from 0 to 1");
    AnchorNeighbours selector = new AnchorNeighbours(VisionSettings.block(shape, settings, "middle"), alpha);
    int block = VisionSettings.block(shape, settings, "block");
    return new VisionCut(Site.VISION, new PatchReducer(PatchScorers.attentionReceived(block), selector, VisionSettings.tokens(settings)));
  }
}
