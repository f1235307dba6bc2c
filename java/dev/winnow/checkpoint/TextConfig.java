package dev.winnow.checkpoint;

/**
 * Shape of a Llama-style decoder (Llama, Vicuna, Mistral, Qwen2).
 *
 * @param headDim width of one head; query projection is heads*headDim wide, which need not be {@code hidden}
 * @param qkvBias whether q/k/v projections have a bias (Qwen2)
 * @param tiedEmbeddings whether the output matrix is the embedding matrix
 * @param maxPositions longest sequence, prompt and answer together
 */
public record TextConfig(int hidden, int intermediate, int layers, int heads, int kvHeads, int headDim, int vocab,
    double rmsEps, RopeConfig rope, int maxPositions, boolean qkvBias, boolean tiedEmbeddings) {}
