package dev.winnow.engine;

import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.decoder.ImageRows;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Plan;
import dev.winnow.prune.QuestionText;
import dev.winnow.vision.AnyresPacking;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.Preprocessor;
import dev.winnow.vision.Projector;
import dev.winnow.vision.RgbImage;
import dev.winnow.vision.VisionObserver;
import dev.winnow.vision.VisionTower;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** Turns pictures into rows of the language model: prepare, tower, projector, packing of tiles. Immutable; shared by threads. */
public final class ImageEncoder {
  private final ModelConfig config;
  private final Preprocessor preprocessor;
  private final VisionTower tower;
  private final Projector projector;
  /** [hidden]; null where the family has none. */
  private final Tensor newline;

  /** @param newline [hidden], not copied; null where the family has none */
  public ImageEncoder(ModelConfig config, Preprocessor preprocessor, VisionTower tower, Projector projector, Tensor newline) {
    this.config = config;
    this.preprocessor = preprocessor;
    this.tower = tower;
    this.projector = projector;
    this.newline = newline;
  }

  /** @param several whether the picture is one of several in its turn, which LLaVA-OneVision then shows whole instead of in tiles */
  public PixelBatch prepare(RgbImage image, boolean several) { return preprocessor(several).prepare(image); }

  /** What the tower sees of a picture, as bytes: the tiles of {@link #prepare}. */
  public List<RgbImage> tiles(RgbImage image, boolean several) { return preprocessor(several).tiles(image); }

  private Preprocessor preprocessor(boolean several) {
    boolean whole = several && config.family().equals("llava_onevision");
    return whole ? preprocessor.with(Preprocessor.Layout.PADDED) : preprocessor;
  }

  /** Rows that a prepared picture has in the language model when nothing is removed. */
  public int tokens(PixelBatch pixels) { return AnyresPacking.of(pixels, config).tokens(); }

  /**
   * A picture as it enters the language model.
   *
   * @param rows [tokens, hidden]; the caller closes them
   * @param cuts what the cuts did, one after the other
   * @param unpruned rows without them
   * @param keyRows rows that cuts in the decoder must not drop
   * @param standFor what the rows stand for; null where they are all that there are
   */
  public record Encoded(Tensor rows, List<CutRecord> cuts, int unpruned, int[] keyRows, ImageRows standFor) {
    public Encoded(Tensor rows, List<CutRecord> cuts, int unpruned) { this(rows, cuts, unpruned, new int[0], null); }
  }

  /** Throws InvalidInputException where a plan cannot be carried out on a picture, as far as its size tells. */
  public void check(PixelBatch pixels, Plan plan) {
    VisionStage.check(plan, config.vision(), pixels.tiles(), tokens(pixels));
  }

  /**
   * Encodes a picture and applies the cuts before the decoder. Throws InvalidInputException as soon as it is known that the plan cannot be
   * carried out.
   *
   * @param image number of the picture within the session, for the record
   */
  public Encoded encode(PixelBatch pixels, Plan plan, int image, QuestionText question) {
    check(pixels, plan);
    int unpruned = tokens(pixels);
    if (plan.visionCuts().isEmpty()) return new Encoded(encode(pixels, VisionObserver.NONE), List.of(), unpruned);
    return new VisionStage(config, tower, projector, plan, question).run(pixels, image, unpruned,
        () -> encode(pixels, VisionObserver.NONE));
  }

  /** Features of one picture, [tiles, tokens, hidden x feature layers]; the caller closes them. */
  public Tensor features(PixelBatch pixels, VisionObserver observer) { return tower.encode(pixels, observer); }

  /** Rows of one picture, [tokens, hidden]; the caller closes them. */
  public Tensor encode(PixelBatch pixels, VisionObserver observer) {
    try (PointerScope scope = new PointerScope()) {
      Tensor rows = Tensors.adopt(scope, projector.project(Tensors.adopt(scope, features(pixels, observer))));
      return AnyresPacking.of(pixels, config).apply(rows, newline);
    }
  }
}
