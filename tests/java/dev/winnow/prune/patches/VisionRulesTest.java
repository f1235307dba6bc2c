package dev.winnow.prune.patches;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.winnow.kernels.SplitMix;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.ClipFacts;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionReducer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/** Counts and quotas where a rounding or a bound of the public codes decides. */
class VisionRulesTest {
  private static Tensor random(int seed, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < values.length; i++) values[i] = SplitMix.uniform(seed, i) - 0.5f;
    return Tensors.floats(values, Tensors.CPU, shape);
  }

  private static VisionReducer reducer(String method, int side, Map<String, String> settings) {
    ModelShape shape = new ModelShape(32, 24, true, 22, side, true);
    return Methods.named(method).plan(shape, settings, OptionalInt.empty(), 0).visionCuts().get(0).reducer();
  }

  private static boolean[] busy(int patches, int... hits) {
    boolean[] busy = new boolean[patches];
    int region = patches / hits.length;
    for (int r = 0; r < hits.length; r++) Arrays.fill(busy, r * region, r * region + hits[r], true);
    return busy;
  }

  /** 15 / 403 x 403 is below 15 in float64 and 15 in float32, in which the public code divides; with 61 it is the other way round. */
  @Test void hiredDividesInFloat32() {
    assertArrayEquals(new int[] {15, 60, 27, 300}, RegionShares.divide(busy(2304, 15, 61, 27, 300), 4, 403, 576));
    assertArrayEquals(new int[] {0, 0}, RegionShares.divide(busy(64, 0, 0), 2, 20, 64));
  }

  /** A tenth of 576 patches: 57 by attention and 5, 15, ... 565; the last patch, 575, is not on the stride. */
  @Test void pruMergePlusStopsBeforeTheLastPatch() {
    try (PointerScope scope = new PointerScope()) {
      PruMergeReducer reducer = (PruMergeReducer) reducer("prumerge_plus", 24, Map.of("adaptive", "false", "ratio", "0.1"));
      VisionFacts facts = new VisionFacts(random(1, 1, 576, 8))
          .withProjections(reducer.block(), random(2, 1, 1, 577, 8), random(3, 1, 1, 577, 8));
      int[] kept = reducer.reduce(facts).get(0).kept();
      assertEquals(57 + 57 + 1, kept.length);
      int[] added = Arrays.copyOfRange(kept, 57, 114);
      assertArrayEquals(IntStream.range(0, 57).map(i -> 5 + 10 * i).toArray(), added);
      assertEquals(Reduction.NO_PATCH, kept[114]);
    }
  }

  /** The stride follows the share of outliers, also where 196 x (2 / 196) is below 2 in float64 and one patch is kept. */
  @Test void pruMergePlusTakesTheStrideOfTheShare() {
    assertEquals(1, (int) (196 * (2 / 196.0)));
    assertEquals(98 / 3, PruMergeReducer.stride(196, 2 / 196.0));
    assertEquals(576 / 3, PruMergeReducer.stride(576, 0));
  }

  /** A text of four positions keeps one of them, not none. */
  @Test void eadpKeepsOnePositionOfAShortText() {
    try (PointerScope scope = new PointerScope()) {
      VisionFacts facts = new VisionFacts(random(1, 1, 16, 8)).withProjected(random(1, 1, 16, 8))
          .withClip(ClipFacts.of(random(2, 1, 16, 6), random(3, 1, 6), random(4, 1, 4, 6)));
      Reduction one = reducer("eadp", 4, Map.of("tokens", "5", "alpha", "0")).reduce(facts).get(0);
      assertEquals(5, one.kept().length);
      float[] scores = one.scores();
      assertEquals(16, IntStream.range(0, 16).mapToObj(i -> scores[i]).distinct().count());
    }
  }

  /** Patches that are all as relevant, where the public code divides by zero, are chosen by diversity alone. */
  @Test void cdprunerWithoutDifferencesOfRelevance() {
    try (PointerScope scope = new PointerScope()) {
      VisionFacts facts = new VisionFacts(random(1, 1, 16, 8)).withProjected(random(1, 1, 16, 8))
          .withClip(ClipFacts.of(random(2, 1, 1, 6).expand(1, 16, 6), random(3, 2, 6), null));
      assertArrayEquals(reducer("cdpruner", 4, Map.of("tokens", "5", "relevance", "none")).reduce(facts).get(0).kept(),
          reducer("cdpruner", 4, Map.of("tokens", "5")).reduce(facts).get(0).kept());
    }
  }

  /** The class token stands beside every patch where the budget has room for both. */
  @Test void visionZipMayKeepTheClassTokenAndEveryPatch() {
    try (PointerScope scope = new PointerScope()) {
      DominantContextual reducer = (DominantContextual) reducer("visionzip", 4, Map.of("tokens", "17", "contextual", "3"));
      VisionFacts facts = new VisionFacts(random(1, 1, 16, 8)).withClassState(random(2, 1, 1, 8))
          .withProjections(reducer.block(), random(3, 1, 2, 17, 4), random(4, 1, 2, 17, 4))
          .withClassAttention(reducer.block(), random(5, 1, 2, 16));
      Reduction all = reducer.reduce(facts).get(0);
      assertEquals(17, all.rows().size(0));
      assertArrayEquals(IntStream.range(0, 16).toArray(), all.patches());
    }
  }

  /** One token has nothing to merge with. */
  @Test void toMeLeavesSingleTokensAlone() {
    try (PointerScope scope = new PointerScope()) {
      for (boolean classToken : List.of(true, false)) {
        assertArrayEquals(new int[][] {{0}}, BipartiteMatch.of(random(1, 1, 4), 3, classToken).members());
      }
    }
  }
}
