package dev.winnow.explain;

import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.vision.AnyresPacking;
import dev.winnow.vision.PixelBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which patches of a prepared picture each visual token shows. Patches are numbered row by row within a tile, and tile after tile.
 *
 * @param count patches of all tiles
 * @param patches of each token, as it enters the language model without a cut: one, several where tokens are mixtures, none for a newline
 *     or class token
 */
record TokenMap(int count, List<int[]> patches) {
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
    return new TokenMap(pixels.tiles() * perTile, List.copyOf(patches));
  }

  /**
   * The map of tokens that a cut leaves.
   *
   * @param rows the patch of each, in the order in which they enter; -1 for one that stands for no single patch
   */
  TokenMap entering(int[] rows) {
    return new TokenMap(count, Arrays.stream(rows).mapToObj(patch -> patch < 0 ? NO_PATCH : new int[] {patch}).toList());
  }

  /** Tokens that show one patch, in the order of their patches. */
  int[] byPatch() {
    return IntStream.range(0, patches.size()).filter(token -> patches.get(token).length == 1).boxed()
        .sorted(Comparator.comparingInt(token -> patches.get(token)[0])).mapToInt(token -> token).toArray();
  }

  /** The patches that some tokens show. */
  BitSet shown(int[] tokens) {
    BitSet shown = new BitSet();
    for (int token : tokens) for (int patch : patches.get(token)) shown.set(patch);
    return shown;
  }

  /**
   * Scores of tokens as scores of patches, the highest where several tokens show one; NaN where none does.
   *
   * @param scores one for each of {@code tokens}
   * @return [count]
   */
  float[] spread(int[] tokens, float[] scores) {
    float[] spread = new float[count];
    Arrays.fill(spread, Float.NaN);
    for (int i = 0; i < tokens.length; i++) {
      for (int patch : patches.get(tokens[i])) if (Float.isNaN(spread[patch]) || scores[i] > spread[patch]) spread[patch] = scores[i];
    }
    return spread;
  }
}
