package dev.winnow.calibrate;

import dev.winnow.engine.Model;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.RgbImage;

/**
 * A picture that costs are measured with.
 *
 * @param prepared the same for the tower
 * @param tokens rows of the language model when nothing is removed
 */
record CostPicture(RgbImage image, PixelBatch prepared, int tokens) {
  static CostPicture of(Model model, RgbImage image) {
    PixelBatch prepared = model.images().prepare(image, false);
    return new CostPicture(image, prepared, model.images().tokens(prepared));
  }
}
