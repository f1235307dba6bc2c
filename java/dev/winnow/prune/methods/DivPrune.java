package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.MaxMinReducer;

/** DivPrune: the subset of projected rows whose smallest distance is largest, greedily. */
public final class DivPrune extends VisionMethod {
  public DivPrune() {
    super("divprune", "Keeps a subset of the projected patches that are as different from one another as can be.",
        "Alvar et al., DivPrune, CVPR 2025 (arXiv 2503.02175); code vbdi/divprune 799e2d9",
        Parameter.of("ratio", "0.098", "share of the picture's patches that stays, rounded half to even (SUBSET_RATIO)").asCount(),
        Parameter.of("tokens", "", "rows of one picture that enter the language model, all its tiles together, instead of ratio (ours)")
            .asCount());
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    double ratio = settings.number("ratio");
    if (!(ratio >= 0 && ratio <= 1)) throw settings.wrong("ratio", String.valueOf(ratio), "a share from 0 to 1");
    return new VisionCut(Site.PROJECTED, new MaxMinReducer(ratio, settings.has("tokens") ? VisionSettings.tokens(settings) : -1));
  }
}
