package dev.winnow.prune.methods;

import dev.winnow.decoder.AttentionBias;
import dev.winnow.decoder.PositionPolicy;
import dev.winnow.prune.Method;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * RESTORE around any method that keeps patches as they are: the rest is merged into anchors, and the decoder is told where the rows stood
 * and how many patches each is made of.
 */
public final class RestoreAnchors extends VisionMethod {
  private final List<Method> selectors;

  /**
   * @param selectors what it can be put around: methods before the decoder with a parameter {@code tokens}
   */
  public RestoreAnchors(Method... selectors) {
    super("restore_anchors",
        "Keeps half of the budget by another method and merges all other patches into the other half; repairs positions and attention"
            + " in the language model.",
        "RESTORE, ICML 2026 (arXiv 2606.01711); code cvlab-yonsei/RESTORE 9b27e68",
        VisionSettings.tokens(64, "of the paper's 192, 128 and 64"),
        Parameter.of("selector", "vispruner", "method that selects (the paper's tables: vispruner and holov), with settings of its own"
            + " after a blank ('cdpruner relevance=none'): one of " + names(List.of(selectors))),
        Parameter.of("positions", "original", "original: rows stand where their patches stood, a merged one at the lower median of its"
            + " patches (paper and code); contiguous: one behind another (ours)"),
        Parameter.of("sizes", "even-first", "log of a row's patches added to attention logits. even-first: in layer 0 the mean for all rows"
            + " (code); all: their own in every layer; none"),
        Parameter.of("distance", "prompt", "log(2 - mean cosine of the rotary angles of the distance) added to attention logits."
            + " prompt: not for generated tokens (code); always; none"));
    this.selectors = List.of(selectors);
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    int tokens = VisionSettings.tokens(settings);
    String selector = settings.text("selector");
    // the repair stands in fields of the plan, so a plan file names the reducer by what it takes
    return new VisionCut(Site.PROJECTED, new AnchoredReducer(selected(shape, settings, selector, tokens - tokens / 2), tokens),
        Part.Spec.of(name(), "tokens", tokens, "selector", selector));
  }

  /** What keeps {@code tokens} patches as they are; of an odd number of rows, half and one. */
  private VisionReducer selected(ModelShape shape, Settings settings, String selector, int tokens) {
    List<String> words = List.of(selector.split("\\s+"));
    Method method = selectors.stream().filter(known -> known.name().equals(words.get(0))).findFirst()
        .orElseThrow(() -> settings.wrong("selector", selector, "one of " + names(selectors)));
    Map<String, String> given = new LinkedHashMap<>(Settings.typed(words.subList(1, words.size())));
    if (given.put("tokens", String.valueOf(tokens)) != null) {
      throw settings.wrong("selector", selector, "it without tokens, which follow from those of " + name());
    }
    return method.plan(shape, given, OptionalInt.empty(), 0).visionCuts().get(0).reducer();
  }

  private static String names(List<Method> methods) { return String.join(", ", methods.stream().map(Method::name).toList()); }

  @Override public Plan plan(ModelShape shape, Settings settings) {
    boolean original = settings.choice("positions", "original", "contiguous").equals("original");
    AttentionBias bias = new AttentionBias(PlanWords.read(AttentionBias.Sizes.class, settings.choice("sizes", PlanWords.all(
        AttentionBias.Sizes.values()))), PlanWords.read(AttentionBias.Distance.class, settings.choice("distance", PlanWords.all(
        AttentionBias.Distance.values()))));
    return Plan.of(this, settings, cut(shape, settings), original ? PositionPolicy.ORIGINAL : PositionPolicy.RENUMBER, bias);
  }
}
