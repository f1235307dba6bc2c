package dev.winnow.prune.methods;

import dev.winnow.InvalidInputException;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Settings;

/** Parameters and checks that the methods before the decoder share. */
final class VisionSettings {
  static final String WITHOUT_CLASS = "divprune, hiprune, mmtok, uniform, random, pyramiddrop, fastv or vtw";

  private VisionSettings() {}

  static Parameter tokens(int byDefault, String source) {
    return Parameter.of("tokens", String.valueOf(byDefault),
        "rows of one picture that enter the language model, all its tiles together (" + source + ")").asCount();
  }

  static int tokens(Settings settings) {
    int tokens = settings.integer("tokens");
    if (tokens < 0) throw settings.wrong("tokens", String.valueOf(tokens), "0 or more");
    return tokens;
  }

  /** A block whose attention is looked at; by default the one whose output the features are. */
  static Parameter block(String name, String what) {
    return new Parameter(name, shape -> String.valueOf(featureBlock(shape)), "block that makes the features", what);
  }

  static int featureBlock(ModelShape shape) { return Math.max(0, shape.featureBlock()); }

  static int block(ModelShape shape, Settings settings, String name) {
    int block = settings.integer(name);
    if (block < 0 || block >= shape.visionBlocks()) {
      throw settings.wrong(name, String.valueOf(block), "a block of the vision tower, 0 to " + (shape.visionBlocks() - 1));
    }
    return block;
  }

  /** Refuses a tower without a class token. */
  static void requireClass(String method, ModelShape shape) { requireClass(method, shape, "use " + WITHOUT_CLASS); }

  /** @param remedy what to do instead */
  static void requireClass(String method, ModelShape shape, String remedy) {
    if (shape.hasClassToken()) return;
    throw new InvalidInputException("method '" + method
        + "' ranks patches by the attention of the vision tower's class token, and this model's tower has none; " + remedy);
  }

  /** Refuses a tower whose features are taken before its first block, so that nothing can happen inside. */
  static void requireBlocks(String method, ModelShape shape, String what, String instead) {
    if (shape.visionBlocks() == 0 || shape.featureBlock() >= 0) return;
    throw new InvalidInputException("method '" + method + "' " + what + ", and this model's features are those before it; use " + instead);
  }

  /** Refuses a model without CLIP's text tower. */
  static void requireText(String method, ModelShape shape) {
    if (shape.hasClipText()) return;
    throw new InvalidInputException("method '" + method
        + "' measures relevance with CLIP's text tower and projections, which no LLaVA checkpoint has; name the folder of the CLIP that its"
        + " vision tower comes from with --clip DIR (in Java ModelOptions.withClip), set relevance=none, or use mmtok or divprune");
  }
}
