package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.TextCoverage;

/** MMTok: coverage of the question's words and of the picture. */
public final class MmTok extends VisionMethod {
  public MmTok() {
    super("mmtok", "Keeps the patches that together cover the question's words and the picture best.",
        "Dong et al., MMTok, ICLR 2026 (arXiv 2508.18264); code Ironieser/MMTok d1522cd",
        VisionSettings.tokens(64, "of the paper's 192, 128 and 64"),
        Parameter.of("alpha", "0.5", "weight of covering the picture beside covering the words (alpha, code)"),
        Parameter.of("text_temperature", "0.02", "temperature of the softmax of a word over the patches (code)"),
        Parameter.of("vision_temperature", "0.2", "temperature of the softmax of a patch over the patches (code)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    TextCoverage selector = new TextCoverage(settings.number("alpha"), temperature(settings, "text_temperature"),
        temperature(settings, "vision_temperature"));
    return new VisionCut(Site.PROJECTED, new PatchReducer(null, selector, VisionSettings.tokens(settings)));
  }

  private static double temperature(Settings settings, String name) {
    double value = settings.number(name);
    if (!(value > 0)) throw settings.wrong(name, String.valueOf(value), "a number above 0");
    return value;
  }
}
