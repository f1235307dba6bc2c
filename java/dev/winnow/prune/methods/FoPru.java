package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.PatchSelector;
import dev.winnow.prune.PatchSelectors;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.FocalScorer;
import dev.winnow.prune.patches.Share;
import dev.winnow.prune.patches.TopRows;

/** FoPru: attention among the patches, kept one by one or in whole rows of the grid. */
public final class FoPru extends VisionMethod {
  public FoPru() {
    super("fopru", "Keeps the patches, or whole rows of patches, that receive the most attention from the others.",
        "Jiang et al., FoPru, 2024 (arXiv 2411.14164); no official code, formulas of dongxianzhe/hydrainfer d4d5f4f",
        Parameter.of("ratio", "0.25", "share of a tile that stays, truncated to patches (rank) or rows (row), as HydraInfer's"
            + " FocalPrunning; the default is ours").asCount(),
        Parameter.of("tokens", "",
            "rows of one picture that enter the language model, all its tiles together, instead of ratio (HydraInfer's focal_prunning);"
            + " strategy row: whole rows").asCount(),
        Parameter.of("strategy", "rank", "rank: single patches; row: whole rows of the patch grid (paper, abstract)"),
        Parameter.of("score", "softmax_received",
            "softmax_received: mean attention received, the paper's; logit_maxvar: mean logits received or given, whichever varies"
                + " more (HydraInfer)"),
        VisionSettings.block("block", "block whose attention is used (vision_feature_layer -2, HydraInfer)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    VisionSettings.requireClass(name(), shape);
    boolean rows = settings.choice("strategy", "rank", "row").equals("row");
    double ratio = settings.number("ratio");
    if (!(ratio >= 0 && ratio <= 1)) throw settings.wrong("ratio", String.valueOf(ratio), "a share from 0 to 1");
    boolean logits = settings.choice("score", "softmax_received", "logit_maxvar").equals("logit_maxvar");
    PatchSelector selector = rows ? new TopRows() : PatchSelectors.top();
    FocalScorer scorer = new FocalScorer(VisionSettings.block(shape, settings, "block"), logits);
    int side = shape.patchGrid();
    if (settings.has("tokens")) {
      int tokens = VisionSettings.tokens(settings);
      if (rows && tokens % side != 0) {
        throw settings.wrong("tokens", String.valueOf(tokens), "a multiple of " + side + ", the patches of a row, with strategy row");
      }
      return new VisionCut(Site.VISION, new PatchReducer(scorer, selector, tokens));
    }
    int perTile = rows ? side * (int) (side * ratio) : (int) (side * side * ratio);
    return new VisionCut(Site.VISION,
        new Share(ratio == 1, facts -> perTile * facts.tiles(), tokens -> new PatchReducer(scorer, selector, tokens)));
  }
}
