package dev.winnow.prune;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.winnow.WinnowException;
import dev.winnow.kernels.Tensors;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/** What is known of tokens follows them, tile by tile. Two tiles of four patches, two heads, a class token in front of queries and keys. */
class VisionFactsTest {
  private static final int BLOCK = 3;

  private static Tensor counted(long... shape) {
    int size = 1;
    for (long n : shape) size *= (int) n;
    float[] values = new float[size];
    for (int i = 0; i < size; i++) values[i] = i;
    return Tensors.floats(values, Tensors.CPU, shape);
  }

  private static VisionFacts whole() {
    return new VisionFacts(counted(2, 4, 1)).withClassAttention(BLOCK, counted(2, 2, 4)).withAttentionReceived(BLOCK, counted(2, 4))
        .withProjections(BLOCK, counted(2, 2, 5, 1), counted(2, 2, 5, 1)).withSpareRows(1);
  }

  private static void assertRows(Tensor actual, float... expected) { assertArrayEquals(expected, Tensors.toFloats(actual), 0f); }

  @Test void everythingFollowsTheTokensThroughTwoCuts() {
    try (PointerScope scope = new PointerScope()) {
      // the first tile keeps two patches behind a row of none, the second three
      VisionFacts once = whole().after(List.of(new Reduction(new int[] {Reduction.NO_PATCH, 3, 1}, null, List.of(), null),
          Reduction.of(new int[] {0, 2, 3}, null)), List.of(counted(2, 1), counted(3, 1)));
      assertArrayEquals(new int[] {3, 1}, once.patchNumbers(0));
      assertEquals(3, once.patches(1));
      assertEquals(10 - 2 - 1, once.room(10));
      assertEquals(0, once.room(2));
      assertRows(once.classAttention(BLOCK, 0), 3, 1, 7, 5);
      assertRows(once.classAttention(BLOCK, 1), 8, 10, 11, 12, 14, 15);
      assertRows(once.attentionReceived(BLOCK, 1), 4, 6, 7);
      assertRows(once.queries(BLOCK, 0), 0, 4, 2, 5, 9, 7);
      assertRows(once.keys(BLOCK, 1), 10, 11, 13, 14, 15, 16, 18, 19);
      assertThrows(WinnowException.class, once::patches);
      VisionFacts twice = once.after(List.of(Reduction.of(new int[] {1}, null), Reduction.of(new int[] {2, 0}, null)),
          List.of(counted(1, 1), counted(2, 1)));
      assertArrayEquals(new int[] {1}, twice.patchNumbers(0));
      assertArrayEquals(new int[] {3, 0}, twice.patchNumbers(1));
      assertRows(twice.keys(BLOCK, 0), 0, 2, 5, 7);
      assertRows(twice.attentionReceived(BLOCK, 1), 7, 4);
      assertEquals(7, twice.room(10));
    }
  }

  @Test void sharesAreEvenUntilATileIsFull() {
    assertArrayEquals(new int[] {4, 3, 3}, TileShares.equal(10, 9, 9, 9));
    assertArrayEquals(new int[] {5, 1, 4}, TileShares.equal(10, 9, 1, 9));
    assertArrayEquals(new int[] {2, 0, 3}, TileShares.equal(99, 2, 0, 3));
    assertArrayEquals(new int[] {0, 0}, TileShares.equal(0, 4, 4));
  }
}
