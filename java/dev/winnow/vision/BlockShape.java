package dev.winnow.vision;

import dev.winnow.checkpoint.ClipConfig;
import dev.winnow.checkpoint.VisionConfig;

/** What all blocks of a tower have in common. */
record BlockShape(int width, int heads, int intermediate, double layerNormEps, String activation) {
  static BlockShape of(VisionConfig config) {
    return new BlockShape(config.hidden(), config.heads(), config.intermediate(), config.layerNormEps(), config.activation());
  }

  /** Of CLIP's text tower. */
  static BlockShape of(ClipConfig config) {
    return new BlockShape(config.hidden(), config.heads(), config.intermediate(), config.layerNormEps(), config.activation());
  }
}
