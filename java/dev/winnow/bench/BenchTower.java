package dev.winnow.bench;

import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.engine.ImageEncoder;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import dev.winnow.vision.Preprocessor;
import dev.winnow.vision.Projector;
import dev.winnow.vision.VisionTower;

/** An ordinary {@link ImageEncoder} of a CLIP tower and a projector on the CPU with {@link BenchWeights}. */
final class BenchTower implements AutoCloseable {
  private final BenchWeights weights;
  private final VisionTower tower;
  private final Projector projector;
  private final ImageEncoder encoder;

  BenchTower(ModelConfig config, Dtype dtype, long seed) {
    weights = new BenchWeights(dtype, seed);
    VisionConfig vision = config.vision();
    long width = vision.hidden();
    weights.noise("vision.embeddings.patch_embedding.weight", width, 3, vision.patchSize(), vision.patchSize());
    weights.noise("vision.embeddings.class_embedding", width);
    weights.noise("vision.embeddings.position_embedding.weight", vision.patches() + 1L, width);
    weights.norm("vision.pre_layrnorm", width);
    weights.blocks("vision.", vision.layers(), width, vision.intermediate());
    long out = config.text().hidden();
    weights.linear("projector.linear_1", out, width * vision.featureLayers().size());
    weights.linear("projector.linear_2", out, out);
    weights.noise("image_newline", out);
    tower = new VisionTower(vision, weights.held(), dtype.torch, Tensors.CPU);
    projector = new Projector(config, weights.held(), dtype.torch, Tensors.CPU);
    encoder = new ImageEncoder(config, Preprocessor.standard(config), tower, projector, weights.held().get("image_newline"));
  }

  /** Bytes of the weights of such a tower with its projector, and of one picture's way through it. */
  static long bytes(ModelConfig config, int tiles, Dtype dtype) {
    VisionConfig v = config.vision();
    long width = v.hidden();
    long block = 4 * width * width + 2 * width * v.intermediate() + 9 * width + v.intermediate();
    long embeddings = width * (3L * v.patchSize() * v.patchSize() + v.patches() + 4);
    long out = config.text().hidden();
    long weights = v.layers() * block + embeddings + out * (width * v.featureLayers().size() + out + 3);
    // in flight: four of the feed-forward's width, eight of the hidden width, and attention's four in float32
    long rows = (long) tiles * (v.patches() + 1);
    return dtype.bytes * (weights + rows * (4L * v.intermediate() + 8 * width + 3 * out)) + rows * 4 * 4 * width;
  }

  ImageEncoder encoder() { return encoder; }

  @Override public void close() {
    tower.close();
    projector.close();
    weights.close();
  }
}
