package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.VisionConfig;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * How the features of a video's frames become fewer, as transformers does it. LLaVA-NeXT-Video averages squares of patches before the
 * projector; LLaVA-OneVision halves the map behind it, each side rounded up, by bilinear interpolation; Video-LLaVA keeps every feature,
 * the class token's too. Immutable.
 */
public final class FramePooling {
  private final VisionConfig tower;
  /** Patches on one side of a square that is averaged; 0 for none. */
  private final int stride;
  private final boolean halves;

  private FramePooling(VisionConfig tower, int stride, boolean halves) {
    this.tower = tower;
    this.stride = stride;
    this.halves = halves;
  }

  /**
   * @param tower of the videos
   * @throws InvalidInputException if a class token stays among features that are to be pooled as a map
   */
  public static FramePooling of(ModelConfig model, VisionConfig tower) {
    FramePooling pooling = new FramePooling(tower, model.videoPoolStride(), model.family().equals("llava_onevision"));
    if (pooling.pools() && tower.hasClass() && tower.keepClass()) {
      throw new InvalidInputException("vision_feature_select_strategy \"full\" keeps a class token in every frame, which cannot be"
          + " pooled as part of a map; set it to \"default\" in config.json");
    }
    return pooling;
  }

  /** Whether a row is made of several patches. */
  public boolean pools() { return stride > 0 || halves; }

  /** Rows of one frame in the language model. */
  public int rows() {
    int side = halves ? half() : stride > 0 ? tower.grid() / stride : tower.grid();
    return side * side + (tower.hasClass() && tower.keepClass() ? 1 : 0);
  }

  private int half() { return (tower.grid() + 1) / 2; }

  /**
   * @param features [frames, features of a frame, width] from the tower
   * @return what the projector gets, of as many frames and the same width, in the same dtype; the caller closes it
   */
  public Tensor beforeProjector(Tensor features) {
    try (PointerScope scope = new PointerScope()) {
      Tensor result = stride == 0 ? same(features) : rows(torch.avg_pool2d(map(features), stride, stride), features.scalar_type());
      result.retainReference();
      return result;
    }
  }

  /**
   * @param projected [frames, rows, hidden] from the projector
   * @return [frames, {@link #rows}, hidden] in the same dtype; the caller closes it
   */
  public Tensor behindProjector(Tensor projected) {
    try (PointerScope scope = new PointerScope()) {
      Tensor result = !halves ? same(projected)
          : rows(torch.upsample_bilinear2d(map(projected), new long[] {half(), half()}, false), projected.scalar_type());
      result.retainReference();
      return result;
    }
  }

  /** [frames, patches, width] as float32 [frames, width, side, side]. */
  private Tensor map(Tensor rows) {
    return rows.to(ScalarType.Float).transpose(1, 2).reshape(rows.size(0), rows.size(2), tower.grid(), tower.grid());
  }

  /** A tensor of its own over the same memory, which the caller may close. */
  private static Tensor same(Tensor rows) { return rows.narrow(0, 0, rows.size(0)); }

  private static Tensor rows(Tensor map, ScalarType dtype) { return map.flatten(2, -1).transpose(1, 2).contiguous().to(dtype); }
}
