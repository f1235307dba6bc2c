package dev.winnow.prune;

import dev.winnow.checkpoint.ModelConfig;

/**
 * What a method may know of a model when it makes its plan.
 *
 * @param layers decoder layers
 * @param visionBlocks blocks of the vision tower; 0 where there is none
 * @param hasClassToken whether the tower has a class token
 */
public record ModelShape(int layers, int visionBlocks, boolean hasClassToken) {
  public static ModelShape of(ModelConfig config) {
    return new ModelShape(config.text().layers(), config.vision().layers(), config.vision().hasClass());
  }
}
