package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import dev.winnow.checkpoint.ClipConfig;
import dev.winnow.checkpoint.Weights;
import dev.winnow.kernels.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Carries texts and picture features into CLIP's common space, in float32 whatever the model computes in. A text is not cut: ids are filled
 * up with 0 to whole segments, as the code of CDPruner and EADP does. Immutable once made, so threads may share it; the owner closes it
 * when no call is running.
 */
public final class ClipSpace implements AutoCloseable {
  static final String EMBEDDING = "text_model.embeddings.token_embedding.weight";

  private final ClipConfig config;
  private final ComputeWeights weights;
  private final ClipTextTower text;
  private final Linear textProjection;
  private final LayerNorm postNorm;
  private final Linear visualProjection;
  private volatile boolean closed;

  /**
   * @param source under the names of a CLIP checkpoint; must stay open as long as this object
   * @throws InvalidInputException naming the tensor that is missing or has another shape than the config implies
   */
  public ClipSpace(ClipConfig config, Weights source, Device device) {
    this.config = config;
    weights = new ComputeWeights(source, ScalarType.Float, device);
    boolean made = false;
    try {
      text = new ClipTextTower(config, weights, source);
      textProjection = weights.linear("text_projection", config.projection(), config.hidden(), false);
      postNorm = weights.layerNorm("vision_model.post_layernorm", config.visionHidden(), config.visionLayerNormEps());
      visualProjection = weights.linear("visual_projection", config.projection(), config.visionHidden(), false);
      made = true;
    } finally {
      if (!made) weights.close();
    }
  }

  /** Bytes that {@link ClipSpace} takes beside mapped files: weights that are not float32 or not on the host. */
  public static long convertedBytes(Weights source, Device device) {
    long bytes = 0;
    for (String name : source.names()) {
      Tensor tensor = source.get(name);
      boolean asIs = name.equals(EMBEDDING) || device.is_cpu() && tensor.scalar_type().intern() == ScalarType.Float;
      if (!asIs) bytes += tensor.numel() * Float.BYTES;
    }
    return bytes;
  }

  public ClipConfig config() { return config; }

  /**
   * A text in the common space, float32 on the tower's device.
   *
   * @param pooled one vector a segment, [segments, width]
   * @param tokens one for every position, filled-up ones too, [segments, positions, width]; null where they were not asked for
   */
  public record Text(Tensor pooled, Tensor tokens) {}

  /**
   * Encodes a text of any length, segment by segment.
   *
   * @param ids with begin and end of text, at least one
   * @param everyPosition whether single positions are wanted; without, those behind the text, at which no other looks, are left out
   * @return the caller closes both tensors
   */
  public Text text(int[] ids, boolean everyPosition) {
    if (closed) throw new WinnowException("CLIP's text tower is closed; open the model again");
    int length = config.positions();
    try (PointerScope scope = new PointerScope()) {
      List<Tensor> pooled = new ArrayList<>();
      List<Tensor> tokens = new ArrayList<>();
      for (int from = 0; from < ids.length; from += length) {
        int real = Math.min(length, ids.length - from);
        int[] segment = Arrays.copyOf(Arrays.copyOfRange(ids, from, from + real), length);
        int place = config.pooledPosition(segment);
        int rows = everyPosition ? length : Math.max(real, place + 1);
        Tensor states = Tensors.adopt(scope, text.encode(Arrays.copyOf(segment, rows), real));
        pooled.add(textProjection.apply(states.select(1, place)));
        if (everyPosition) tokens.add(textProjection.apply(states));
      }
      return new Text(cat(pooled).retainReference(), everyPosition ? cat(tokens).retainReference() : null);
    }
  }

  private static Tensor cat(List<Tensor> parts) { return torch.cat(new TensorVector(parts.toArray(new Tensor[0])), 0); }

  /**
   * Picture features in the common space.
   *
   * @param features [..., width of the tower], in any dtype
   * @return float32 [..., width of the common space]; belongs to the caller's PointerScope
   */
  public Tensor image(Tensor features) {
    return visualProjection.apply(postNorm.apply(features.to(weights.device(), ScalarType.Float)));
  }

  @Override public void close() {
    closed = true;
    weights.close();
  }
}
