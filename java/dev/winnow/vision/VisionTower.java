package dev.winnow.vision;

import dev.winnow.InterruptedWorkException;
import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.checkpoint.Weights;
import dev.winnow.kernels.Tensors;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The image encoder of a checkpoint: CLIP (class token, pre_layrnorm) or SigLIP (neither). Only the blocks that the features need are run.
 * Immutable once made, so threads may share it; the owner closes it when no call is running.
 */
public final class VisionTower implements AutoCloseable {
  private final VisionConfig config;
  private final ComputeWeights weights;
  private final TowerBlock[] blocks;
  private final Linear patches;
  private final Tensor classToken;
  private final Tensor positions;
  private final LayerNorm preNorm;
  private volatile boolean closed;

  /** The tower of pictures: the tensors under {@code vision.}. */
  public VisionTower(VisionConfig config, Weights source, ScalarType dtype, Device device) {
    this(config, source, "vision.", dtype, device);
  }

  /**
   * Takes the tower's weights, converted once to the dtype and device of the computation.
   *
   * @param source must stay open as long as the tower
   * @param name what the canonical names of the tower's tensors begin with
   * @throws InvalidInputException naming the tensor that is missing or has another shape than the config implies
   */
  public VisionTower(VisionConfig config, Weights source, String name, ScalarType dtype, Device device) {
    this.config = config;
    weights = new ComputeWeights(source, dtype, device);
    boolean made = false;
    try {
      int width = config.hidden();
      int side = config.patchSize();
      boolean clip = config.hasClass();
      Tensor kernel = weights.get(name + "embeddings.patch_embedding.weight", width, 3, side, side);
      Tensor bias = clip ? null : weights.get(name + "embeddings.patch_embedding.bias", width);
      patches = weights.linear(weights.keep(kernel.reshape(width, 3L * side * side)), bias);
      classToken = clip ? weights.get(name + "embeddings.class_embedding", width) : null;
      positions = weights.get(name + "embeddings.position_embedding.weight", config.patches() + (clip ? 1 : 0), width);
      preNorm = clip ? weights.layerNorm(name + "pre_layrnorm", width, config.layerNormEps()) : null;
      blocks = new TowerBlock[config.layers()];
      BlockShape shape = BlockShape.of(config);
      for (int i = 0; i < blocks.length; i++) blocks[i] = new TowerBlock(weights, name + "encoder.layers." + i + ".", shape);
      made = true;
    } finally {
      if (!made) weights.close();
    }
  }

  public VisionConfig config() { return config; }

  /** Whether it computes in the host's memory. */
  public boolean onHost() { return weights.device().is_cpu(); }

  /** As {@link #encode(Tensor, VisionObserver)}, for a prepared picture. */
  public Tensor encode(PixelBatch batch, VisionObserver observer) {
    try (PointerScope scope = new PointerScope()) {
      Tensor pixels = Tensors.floats(batch.pixels(), Tensors.CPU, batch.tiles(), 3, batch.height(), batch.width());
      return encode(pixels, observer);
    }
  }

  /**
   * The features of tiles: the hidden states of the config's feature layers side by side, without the class token unless the config keeps
   * it.
   *
   * @param pixels [tiles, 3, image size, image size], normalised, any floating dtype and device
   * @param observer hears of every block; a class that merges tokens must reduce all tiles to the same number
   * @return [tiles, tokens, hidden x feature layers] in the tower's dtype, contiguous; the caller closes it
   * @throws InvalidInputException if the pixels have another size, or layers from before and after a merge are to stand side by side
   */
  public Tensor encode(Tensor pixels, VisionObserver observer) {
    if (closed) throw new WinnowException("the vision tower is closed; open the model again");
    int deepest = observer.deepestBlock();
    if (deepest >= config.layers()) {
      throw new InvalidInputException("vision block " + deepest + " does not exist: the tower has blocks 0 to " + (config.layers() - 1));
    }
    int needed = config.blocksNeeded();
    int last = Math.max(needed, deepest + 1) - 1;
    Tensor[] states = new Tensor[config.layers() + 1];
    try {
      states[0] = scoped(() -> observer.afterEmbedding(embed(pixels)));
      for (int b = 0; b <= last; b++) {
        InterruptedWorkException.check();
        int block = b;
        Tensor hidden = states[b];
        if (b == last && b >= needed) {
          projectOnly(block, hidden, observer);
          break;
        }
        states[b + 1] = scoped(() -> run(block, hidden, observer));
        if (!config.featureLayers().contains(b)) {
          hidden.close();
          states[b] = null;
        }
      }
      return scoped(() -> select(states));
    } finally {
      for (Tensor state : states) if (state != null) state.close();
    }
  }

  /** Runs in a scope of its own, so that temporaries are freed at once; the result outlives it and is the caller's to close. */
  private static Tensor scoped(Supplier<Tensor> work) {
    try (PointerScope scope = new PointerScope()) {
      Tensor result = work.get();
      result.retainReference();
      return result;
    }
  }

  private Tensor embed(Tensor pixels) {
    int size = config.imageSize();
    if (pixels.dim() != 4 || pixels.size(1) != 3 || pixels.size(2) != size || pixels.size(3) != size) {
      throw new InvalidInputException("the pixels do not have the shape [tiles, 3, " + size + ", " + size
          + "] that the vision tower takes; correct size and crop_size in preprocessor_config.json");
    }
    long tiles = pixels.size(0);
    long grid = config.grid();
    long side = config.patchSize();
    // patches do not overlap, so the convolution is a product of patch rows with the kernel; pixels beyond the last whole patch are unused
    Tensor rows = pixels.to(weights.device(), weights.dtype())
        .narrow(2, 0, grid * side).narrow(3, 0, grid * side)
        .reshape(tiles, 3, grid, side, grid, side)
        .permute(0, 2, 4, 1, 3, 5)
        .reshape(tiles, grid * grid, 3 * side * side);
    Tensor tokens = patches.apply(rows);
    if (classToken != null) tokens = torch.cat(new TensorVector(classToken.expand(tiles, 1, config.hidden()), tokens), 1);
    tokens = tokens.add(positions);
    return preNorm == null ? tokens : preNorm.apply(tokens);
  }

  private Tensor run(int index, Tensor hidden, VisionObserver observer) {
    TowerBlock block = blocks[index];
    TowerBlock.Projections p = block.project(hidden);
    observer.projections(index, p.query(), p.key(), p.value());
    Tensor attended = observer.afterAttention(index, block.attend(hidden, p, observer.attentionBias(index)));
    return observer.afterBlock(index, block.transform(attended));
  }

  private void projectOnly(int index, Tensor hidden, VisionObserver observer) {
    try (PointerScope scope = new PointerScope()) {
      TowerBlock.Projections p = blocks[index].project(hidden);
      observer.projections(index, p.query(), p.key(), p.value());
    }
  }

  private Tensor select(Tensor[] states) {
    TensorVector parts = new TensorVector();
    for (int layer : config.featureLayers()) {
      Tensor state = states[layer];
      if (!parts.empty() && state.size(1) != states[config.featureLayers().get(0)].size(1)) {
        throw new InvalidInputException("vision_feature_layer " + config.featureLayers() + " names layers from before and after a merge"
            + " inside the tower, whose token counts differ; use a method that does not merge there");
      }
      boolean drop = config.hasClass() && !config.keepClass();
      parts.push_back(drop ? state.narrow(1, 1, state.size(1) - 1) : state);
    }
    return torch.cat(parts, -1);
  }

  @Override
  public void close() {
    closed = true;
    weights.close();
  }
}
