package dev.winnow.vision;

import dev.winnow.InterruptedWorkException;
import dev.winnow.checkpoint.ClipConfig;
import dev.winnow.checkpoint.Weights;
import dev.winnow.kernels.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** CLIP's text tower: embedding, positions, causal blocks, norm. Computes in the dtype of its weights, one segment of text at a time. */
final class ClipTextTower {
  private final ClipConfig config;
  private final ComputeWeights weights;
  /** [vocab, hidden] as the file has it: only the rows of a text are ever converted. */
  private final Tensor embedding;
  private final Tensor positions;
  private final TowerBlock[] blocks;
  private final LayerNorm norm;

  /**
   * @param weights own what this uses of them
   * @param source the same weights as they are stored
   */
  ClipTextTower(ClipConfig config, ComputeWeights weights, Weights source) {
    this.config = config;
    this.weights = weights;
    embedding = source.get(ClipSpace.EMBEDDING);
    positions = weights.get("text_model.embeddings.position_embedding.weight", config.positions(), config.hidden());
    blocks = new TowerBlock[config.layers()];
    BlockShape shape = BlockShape.of(config);
    for (int i = 0; i < blocks.length; i++) blocks[i] = new TowerBlock(weights, "text_model.encoder.layers." + i + ".", shape);
    norm = weights.layerNorm("text_model.final_layer_norm", config.hidden(), config.layerNormEps());
  }

  /**
   * Last hidden states of a segment, normalised.
   *
   * @param ids at most one for each of the tower's positions
   * @param real how many of them are text, at least one; the others fill up behind, and no position looks at them
   * @return [1, ids, hidden]; the caller closes it
   */
  Tensor encode(int[] ids, int real) {
    try (PointerScope scope = new PointerScope()) {
      Tensor mask = mask(ids.length, real);
      Tensor rows = embedding.index_select(0, Tensors.indices(ids, Tensors.CPU)).to(weights.device(), weights.dtype());
      Tensor hidden = rows.add(positions.narrow(0, 0, ids.length)).unsqueeze(0);
      for (TowerBlock block : blocks) {
        InterruptedWorkException.check();
        hidden = Tensors.adopt(scope, run(block, hidden, mask));
      }
      return norm.apply(hidden).retainReference();
    }
  }

  /** In a scope of its own, so that what a block makes on its way is freed before the next one. */
  private static Tensor run(TowerBlock block, Tensor hidden, Tensor mask) {
    try (PointerScope scope = new PointerScope()) {
      return block.transform(block.attend(hidden, block.project(hidden), mask)).retainReference();
    }
  }

  /** bool [length, length]: row i may look at column j. */
  private Tensor mask(int length, int real) {
    Tensor before = torch.ones(new long[] {length, length}).tril();
    if (real < length) before.narrow(1, real, length - real).zero_();
    return before.to(weights.device(), ScalarType.Bool);
  }
}
