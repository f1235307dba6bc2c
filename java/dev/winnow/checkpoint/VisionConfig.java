package dev.winnow.checkpoint;

import java.util.List;

/**
 * Shape of a vision tower and what is read from it.
 *
 * @param kind "clip" (class token, pre_layrnorm) or "siglip" (neither)
 * @param activation "quick_gelu", "gelu" or "gelu_pytorch_tanh"
 * @param featureLayers hidden states whose features are concatenated, as indices 0..layers (0 = embedding output after
 *     pre_layrnorm, i = output of block i-1); already resolved from the negative numbers of the config
 * @param keepClass whether the class token stays among the features (strategy "full")
 */
public record VisionConfig(String kind, int hidden, int intermediate, int layers, int heads, int imageSize, int patchSize,
    double layerNormEps, String activation, List<Integer> featureLayers, boolean keepClass) {

  /** The same tower, its class token kept among the features or not. */
  public VisionConfig withClass(boolean kept) {
    return new VisionConfig(kind, hidden, intermediate, layers, heads, imageSize, patchSize, layerNormEps, activation, featureLayers, kept);
  }

  public boolean hasClass() { return kind.equals("clip"); }

  /** Patches on one side. */
  public int grid() { return imageSize / patchSize; }

  public int patches() { return grid() * grid(); }

  /** Blocks that must run for the features: none after the deepest feature layer. */
  public int blocksNeeded() { return featureLayers.stream().mapToInt(i -> i).max().orElse(layers); }
}
