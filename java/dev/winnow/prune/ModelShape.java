package dev.winnow.prune;

import dev.winnow.checkpoint.ModelConfig;

/**
 * What a method may know of a model when it makes its plan.
 *
 * @param layers decoder layers
 * @param visionBlocks blocks of the vision tower; 0 where there is none
 * @param hasClassToken whether the tower has a class token
 * @param featureBlock block whose output the features are, the deepest where several stand side by side; -1 where no block runs
 * @param patchGrid patches on one side of a tile; 0 where there is no tower
 * @param hasClipText whether question and patches can be compared in CLIP's common space: no LLaVA checkpoint brings what that takes,
 *     a CLIP folder named beside it does
 */
public record ModelShape(int layers, int visionBlocks, boolean hasClassToken, int featureBlock, int patchGrid, boolean hasClipText) {
  /** A decoder without a tower. */
  public ModelShape(int layers, int visionBlocks, boolean hasClassToken) {
    this(layers, visionBlocks, hasClassToken, visionBlocks - 1, 0, false);
  }

  /** A model without CLIP's text tower. */
  public static ModelShape of(ModelConfig config) { return of(config, false); }

  /** @param clipText whether a CLIP folder was named beside it */
  public static ModelShape of(ModelConfig config, boolean clipText) {
    return new ModelShape(config.text().layers(), config.vision().layers(), config.vision().hasClass(), config.vision().blocksNeeded() - 1,
        config.vision().grid(), clipText);
  }
}
