package dev.winnow.bench;

import dev.winnow.checkpoint.ClipConfig;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.ClipQuestion;
import dev.winnow.vision.ClipSpace;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;

/** An ordinary {@link ClipSpace} on the CPU with {@link BenchWeights}, in float32 as always. */
final class BenchClip implements AutoCloseable {
  /** A short question, begin and end of text included. */
  private static final int QUESTION_TOKENS = 10;

  private final BenchWeights weights;
  private final ClipSpace space;

  BenchClip(ClipConfig config, long seed) {
    weights = new BenchWeights(Dtype.FLOAT32, seed);
    weights.noise("text_model.embeddings.token_embedding.weight", config.vocab(), config.hidden());
    weights.noise("text_model.embeddings.position_embedding.weight", config.positions(), config.hidden());
    weights.blocks("text_model.", config.layers(), config.hidden(), config.intermediate());
    weights.norm("text_model.final_layer_norm", config.hidden());
    weights.noise("text_projection.weight", config.projection(), config.hidden());
    weights.norm("vision_model.post_layernorm", config.visionHidden());
    weights.noise("visual_projection.weight", config.projection(), config.visionHidden());
    space = new ClipSpace(config, weights.held(), Tensors.CPU);
  }

  /** Bytes of such weights, and of one segment's way through the tower. */
  static long bytes(ClipConfig c) {
    long width = c.hidden();
    long block = 4 * width * width + 2 * width * c.intermediate() + 9 * width + c.intermediate();
    long weights = c.layers() * block + width * (c.vocab() + c.positions() + 2L) + c.projection() * (width + c.visionHidden());
    return Float.BYTES * (weights + c.positions() * (4L * c.intermediate() + 8 * width));
  }

  /** A question of noise; what is computed of it belongs to the scope. */
  ClipQuestion question(PointerScope scope) {
    int[] ids = new int[QUESTION_TOKENS];
    Arrays.setAll(ids, i -> i + 1);
    ids[QUESTION_TOKENS - 1] = space.config().eosId();
    return new ClipQuestion(space, text -> ids, "", scope);
  }

  @Override public void close() {
    space.close();
    weights.close();
  }
}
