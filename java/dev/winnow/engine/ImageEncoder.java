package dev.winnow.engine;

import dev.winnow.kernels.Tensors;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.Preprocessor;
import dev.winnow.vision.Projector;
import dev.winnow.vision.RgbImage;
import dev.winnow.vision.VisionObserver;
import dev.winnow.vision.VisionTower;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** Turns pictures into rows of the language model: prepare, tower, projector. */
public final class ImageEncoder {
  private final Preprocessor preprocessor;
  private final VisionTower tower;
  private final Projector projector;

  ImageEncoder(Preprocessor preprocessor, VisionTower tower, Projector projector) {
    this.preprocessor = preprocessor;
    this.tower = tower;
    this.projector = projector;
  }

  public PixelBatch prepare(RgbImage image) { return preprocessor.prepare(image); }

  /** Features of one picture, [tiles, tokens, hidden x feature layers]; the caller closes them. */
  public Tensor features(PixelBatch pixels, VisionObserver observer) { return tower.encode(pixels, observer); }

  /** Rows of one picture, [tokens, hidden]; the caller closes them. */
  public Tensor encode(PixelBatch pixels, VisionObserver observer) {
    try (PointerScope scope = new PointerScope()) {
      Tensor rows = Tensors.adopt(scope, projector.project(Tensors.adopt(scope, features(pixels, observer))));
      Tensor flat = rows.reshape(-1, rows.size(-1));
      flat.retainReference();
      return flat;
    }
  }
}
