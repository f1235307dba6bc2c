package dev.winnow.vision;

import org.bytedeco.pytorch.Tensor;

/**
 * Looks into a tower while it runs, and may change what flows through it: how pruning methods score and merge inside the tower without any
 * block running twice. Blocks are counted from 0.
 *
 * <p>Every tensor handed over is on the tower's device in its dtype, and lives until the call returns; one that is needed longer must be
 * kept with {@code retainReference()} and closed later. Where a method returns hidden states it returns the ones given, or others of shape
 * {@code [tiles, m, hidden]} made during the call: fewer rows where tokens were merged, the class token still first.
 */
public interface VisionObserver {
  /** Looks at nothing and changes nothing. */
  VisionObserver NONE = new VisionObserver() {};

  /** Deepest block whose projections are wanted, -1 for none. It may lie beyond the features: then it is only projected, not run. */
  default int deepestBlock() { return -1; }

  /** After the embedding (and CLIP's pre_layrnorm), before block 0. Shape [tiles, tokens, hidden]. */
  default Tensor afterEmbedding(Tensor hidden) { return hidden; }

  /** Before a block attends: its queries (not scaled), keys and values, each [tiles, heads, tokens, head width]. */
  default void projections(int block, Tensor query, Tensor key, Tensor value) {}

  /** Added to each key's attention logits, [tiles, 1, 1, tokens], for example the log of how many tokens it stands for; null for none. */
  default Tensor attentionBias(int block) { return null; }

  /** Between a block's attention and its MLP, the residual added. Shape [tiles, tokens, hidden]. */
  default Tensor afterAttention(int block, Tensor hidden) { return hidden; }

  /** After a block: hidden state block + 1. Shape [tiles, tokens, hidden]. */
  default Tensor afterBlock(int block, Tensor hidden) { return hidden; }
}
