package dev.winnow.prune.methods;

import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.VisionReducer;
import dev.winnow.prune.patches.AnchoredReducer;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The merging half of RESTORE around any method that keeps patches as they are; its repair of positions and attention is not part of it.
 */
public final class RestoreAnchors extends VisionMethod {
  private static final String[] SELECTORS = {"vispruner", "fastervlm", "hired", "fopru", "divprune", "scope", "mmtok", "hiprune"};

  public RestoreAnchors() {
    super("restore_anchors",
        "Keeps half of the budget by another method and merges all other patches into the other half. RESTORE without its repair"
            + " of positions and attention.",
        "RESTORE, ICML 2026 (arXiv 2606.01711); code cvlab-yonsei/RESTORE 9b27e68",
        VisionSettings.tokens(64, "of the paper's 192, 128 and 64"),
        Parameter.of("selector", "vispruner", "method that selects: one of " + String.join(", ", SELECTORS)));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    int tokens = VisionSettings.tokens(settings);
    String selector = settings.choice("selector", SELECTORS);
    // what is odd goes to the patches that stay as they are
    Map<String, String> half = Map.of("tokens", String.valueOf(tokens - tokens / 2));
    VisionReducer kept = Methods.named(selector).plan(shape, half, OptionalInt.empty(), 0).vision().reducer();
    return new VisionCut(Site.PROJECTED, new AnchoredReducer(kept, tokens));
  }
}
