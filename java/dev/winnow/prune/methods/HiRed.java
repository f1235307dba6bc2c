package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.PatchScorer;
import dev.winnow.prune.PatchScorers;
import dev.winnow.prune.PatchSelectors;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.RegionShares;
import dev.winnow.prune.patches.Share;

/** HiRED: class attention of the feature block selects, that of a shallow block divides the budget among the tiles. */
public final class HiRed extends VisionMethod {
  public HiRed() {
    super("hired", "Keeps the patches with the most class attention, giving busy tiles a larger part of the budget.",
        "Arif et al., HiRED, AAAI 2025 (arXiv 2408.10945); code hasanar1f/HiRED 502d6dd",
        Parameter.of("rate", "0.2",
            "share of the patches of all tiles that stays, truncated; what the division among tiles rounds away is lost"
            + " (token_budget_rate, code)").asCount(),
        Parameter.of("tokens", "",
            "rows of one picture that enter the language model, all its tiles together, instead of rate; nothing is lost (ours)").asCount(),
        Parameter.of("alpha", "0.5", "share of the budget that the whole picture gets where there are tiles (alpha, paper and code)"),
        VisionSettings.block("block", "block whose class attention selects (22 of 24, code)"),
        Parameter.of("shallow", "0", "block whose class attention divides the budget (paper and code)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    VisionSettings.requireClass(name(), shape);
    double rate = settings.number("rate");
    double alpha = settings.number("alpha");
    if (!(rate >= 0 && rate <= 1)) throw settings.wrong("rate", String.valueOf(rate), "a share from 0 to 1");
    if (!(alpha >= 0 && alpha <= 1)) throw settings.wrong("alpha", String.valueOf(alpha), "a share from 0 to 1");
    int shallow = VisionSettings.block(shape, settings, "shallow");
    PatchScorer scorer = PatchScorers.classAttentionSum(VisionSettings.block(shape, settings, "block"));
    if (settings.has("tokens")) {
      return new VisionCut(Site.VISION,
          new PatchReducer(scorer, new RegionShares(shallow, alpha, true), PatchSelectors.top(), VisionSettings.tokens(settings)));
    }
    return new VisionCut(Site.VISION,
        Share.of(rate, tokens -> new PatchReducer(scorer, new RegionShares(shallow, alpha, false), PatchSelectors.top(), tokens)));
  }
}
