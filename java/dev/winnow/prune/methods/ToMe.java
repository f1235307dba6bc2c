package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.TokenMerging;

/** ToMe: merging inside the tower, block by block. */
public final class ToMe extends VisionMethod {
  public ToMe() {
    super("tome", "Merges the most similar tokens pairwise in every block of the vision tower.",
        "Bolya et al., Token Merging, ICLR 2023 (arXiv 2210.09461); code facebookresearch/ToMe af95e4b",
        Parameter.of("r", "16", "tokens of a tile that each block merges away, at most half (r of paper and code; 16 leaves 208 of"
            + " LLaVA-1.5's 576)").asCount(),
        Parameter.of("tokens", "",
            "rows of one picture that enter the language model, all its tiles together, instead of r; the blocks merge away alike (ours)")
            .asCount(),
        Parameter.of("proportional", "true",
            "true: a merged token counts in attention as often as it has members (prop_attn; paper, section 3)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    int r = settings.integer("r");
    if (r < 0) throw settings.wrong("r", String.valueOf(r), "0 or more");
    boolean proportional = settings.choice("proportional", "true", "false").equals("true");
    int tokens = settings.has("tokens") ? VisionSettings.tokens(settings) : -1;
    VisionSettings.requireBlocks(name(), shape, "merges inside the blocks of the vision tower",
        VisionSettings.WITHOUT_CLASS);
    return new VisionCut(Site.visionBlock(0),
        new TokenMerging(r, tokens, VisionSettings.featureBlock(shape), shape.hasClassToken(), proportional));
  }
}
