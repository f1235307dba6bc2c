package dev.winnow.prune.methods;

import dev.winnow.decoder.AttentionBias;
import dev.winnow.decoder.PositionPolicy;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Part;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlanWords;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.VisionReducer;
import dev.winnow.prune.patches.AnchoredReducer;
import java.util.Map;
import java.util.OptionalInt;

/**
 * RESTORE around any method that keeps patches as they are: the rest is merged into anchors, and the decoder is told where the rows stood
 * and how many patches each is made of.
 */
public final class RestoreAnchors extends VisionMethod {
  private static final String[] SELECTORS = {"vispruner", "fastervlm", "hired", "fopru", "divprune", "scope", "mmtok", "hiprune"};

  public RestoreAnchors() {
    super("restore_anchors",
        "Keeps half of the budget by another method and merges all other patches into the other half; repairs positions and attention"
            + " in the language model.",
        "RESTORE, ICML 2026 (arXiv 2606.01711); code cvlab-yonsei/RESTORE 9b27e68",
        VisionSettings.tokens(64, "of the paper's 192, 128 and 64"),
        Parameter.of("selector", "vispruner", "method that selects: one of " + String.join(", ", SELECTORS)),
        Parameter.of("positions", "original", "original: rows stand where their patches stood, a merged one at the lower median of its"
            + " patches (paper and code); contiguous: one behind another"),
        Parameter.of("sizes", "even-first", "log of a row's patches added to attention logits. even-first: in layer 0 the mean for all rows"
            + " (code); all: their own in every layer; none"),
        Parameter.of("distance", "prompt", "log(2 - mean cosine of the rotary angles of the distance) added to attention logits. prompt: not for"
            + " generated tokens (code); always; none"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    int tokens = VisionSettings.tokens(settings);
    String selector = settings.choice("selector", SELECTORS);
    // what is odd goes to the patches that stay as they are
    Map<String, String> half = Map.of("tokens", String.valueOf(tokens - tokens / 2));
    VisionReducer kept = Methods.named(selector).plan(shape, half, OptionalInt.empty(), 0).vision().reducer();
    // the repair stands in fields of the plan, so a plan file names the reducer by what it takes
    return new VisionCut(Site.PROJECTED, new AnchoredReducer(kept, tokens), Part.Spec.of(name(), "tokens", tokens, "selector", selector));
  }

  @Override public Plan plan(ModelShape shape, Settings settings) {
    boolean original = settings.choice("positions", "original", "contiguous").equals("original");
    AttentionBias bias = new AttentionBias(PlanWords.read(AttentionBias.Sizes.class, settings.choice("sizes", PlanWords.all(
        AttentionBias.Sizes.values()))), PlanWords.read(AttentionBias.Distance.class, settings.choice("distance", PlanWords.all(
        AttentionBias.Distance.values()))));
    return Plan.of(this, settings, cut(shape, settings), original ? PositionPolicy.ORIGINAL : PositionPolicy.RENUMBER, bias);
  }
}
