package dev.winnow.prune;

import org.bytedeco.pytorch.Tensor;

/** Divides a picture's budget among its tiles. */
public interface TileShares {
  /** The same for every tile; what does not divide goes one by one to the first tiles, the whole picture before its parts. */
  TileShares EQUAL = (facts, scores, tokens) -> equal(tokens, facts.tiles(), facts.patches());

  /**
   * @param scores float32 [tiles, patches] or null
   * @param tokens of the whole picture
   * @return patches that stay, per tile, none more than the tile has
   */
  int[] of(VisionFacts facts, Tensor scores, int tokens);

  /** What the division looks at, beside the scores. */
  default VisionNeeds needs() { return VisionNeeds.NOTHING; }

  static int[] equal(int tokens, int tiles, int patches) {
    int[] shares = new int[tiles];
    for (int t = 0; t < tiles; t++) shares[t] = Math.min(patches, tokens / tiles + (t < tokens % tiles ? 1 : 0));
    return shares;
  }
}
