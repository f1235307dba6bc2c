package dev.winnow.eval;

import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.vision.AnyresPacking;
import dev.winnow.vision.PixelBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which patches of a prepared picture each visual token shows. Patches are numbered row by row within a tile, and tile after tile.
 *
 * @param grid patches on one side of a tile
 * @param patches of each token, as it enters the language model without a cut: one, several where tokens are mixtures, none for a newline or class token
 */
record TokenMap(int grid, List<int[]> patches) {
  private static final int[] NO_PATCH = {};

  static TokenMap of(PixelBatch pixels, ModelConfig config) {
    AnyresPacking packing = AnyresPacking.of(pixels, config);
    int before = config.vision().hasClass() && config.vision().keepClass() ? 1 : 0;
    int perTile = config.vision().patches();
    List<int[]> patches = new ArrayList<>();
    for (int token = 0; token < packing.tokens(); token++) {
      if (packing.isNewline(token)) {
        patches.add(NO_PATCH);
        continue;
      }
      int[] sources = packing.sources(token);
      int[] shown = new int[sources.length];
      int n = 0;
      for (int source : sources) {
        int feature = source % (perTile + before) - before;
        if (feature >= 0) shown[n++] = source / (perTile + before) * perTile + feature;
      }
      patches.add(Arrays.copyOf(shown, n));
    }
    return new TokenMap(config.vision().grid(), List.copyOf(patches));
  }

  /** The map when only these patches enter, one a token; tokens behind them, which stand for no single patch, have none. */
  TokenMap entering(int[] kept, int tokens) {
    List<int[]> entering = new ArrayList<>();
    for (int i = 0; i < tokens; i++) entering.add(i < kept.length ? new int[] {kept[i]} : NO_PATCH);
    return new TokenMap(grid, List.copyOf(entering));
  }
}
