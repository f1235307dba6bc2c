package dev.winnow.conform;

import dev.winnow.checkpoint.HeldWeights;
import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.kernels.Tensors;
import dev.winnow.vision.VisionTower;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The small vision encoder of MustDrop's golden file as the weights of an ordinary {@link VisionTower}. */
final class GoldenTower implements AutoCloseable {
  private static final int SIDE = 1;
  private final CaseNode encoder;
  private final HeldWeights weights = new HeldWeights();

  GoldenTower(CaseNode encoder) { this.encoder = encoder; }

  /** One pixel a patch; features are those of the last block but one. */
  VisionConfig config(int patches) {
    int side = (int) Math.round(Math.sqrt(patches));
    int layers = encoder.get("layers").asInt();
    return new VisionConfig("clip", width(), encoder.get("ffn").asInt(), layers, encoder.get("heads").asInt(), side * SIDE, SIDE, 1e-5,
        "quick_gelu", List.of(layers - 1), false);
  }

  private int width() { return encoder.get("hidden").asInt(); }

  VisionTower tower(VisionConfig config) {
    int width = config.hidden();
    long offset = encoder.get("id_offset").asLong();
    constant("embeddings.patch_embedding.weight", 0, width, 3, SIDE, SIDE);
    constant("embeddings.class_embedding", 0, width);
    constant("embeddings.position_embedding.weight", 0, config.patches() + 1, width);
    norm("pre_layrnorm", width);
    for (int block = 0; block < config.layers(); block++) {
      String name = "encoder.layers." + block + ".";
      long id = offset + 100L * block;
      norm(name + "layer_norm1", width);
      norm(name + "layer_norm2", width);
      linear(name + "self_attn.q_proj", id, width, width);
      linear(name + "self_attn.k_proj", id + 2, width, width);
      linear(name + "self_attn.v_proj", id + 4, width, width);
      linear(name + "self_attn.out_proj", id + 6, width, width);
      linear(name + "mlp.fc1", id + 8, config.intermediate(), width);
      linear(name + "mlp.fc2", id + 10, width, config.intermediate());
    }
    return new VisionTower(config, weights, ScalarType.Float, Tensors.CPU);
  }

  /** Pixels whose embedding is thrown away. */
  Tensor blank(VisionConfig config) {
    int size = config.imageSize();
    return Tensors.floats(new float[3 * size * size], Tensors.CPU, 1, 3, size, size);
  }

  private void linear(String name, long id, int out, int in) {
    put(name + ".weight", hashed(id, out * in, encoder.get("scale").asDouble()), out, in);
    put(name + ".bias", hashed(id + 1, out, encoder.get("bias_scale").asDouble()), out);
  }

  private static float[] hashed(long id, int count, double scale) {
    float[] values = new float[count];
    for (int k = 0; k < count; k++) values[k] = TensorSpec.hash32(id, k, scale);
    return values;
  }

  private void norm(String name, int width) {
    constant(name + ".weight", 1, width);
    constant(name + ".bias", 0, width);
  }

  private void constant(String name, float value, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.fill(values, value);
    put(name, values, shape);
  }

  private void put(String name, float[] values, long... shape) {
    try (PointerScope scope = new PointerScope()) {
      weights.hold("vision." + name, Tensors.floats(values, Tensors.CPU, shape));
    }
  }

  @Override public void close() { weights.close(); }
}
