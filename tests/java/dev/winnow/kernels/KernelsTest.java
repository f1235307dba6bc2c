package dev.winnow.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The typed face: what a caller can rely on besides the kernels' arithmetic, which the native tests check. */
class KernelsTest {
  @BeforeAll static void load() { NativeLibrary.load(); }

  private static Tensor floats(float... values) { return Tensors.floats(values, Tensors.CPU, values.length); }

  @Test void selectsIntoATensorWhatItSelectsIntoAnArray() {
    try (PointerScope scope = new PointerScope()) {
      Tensor scores = floats(3, Float.NaN, 7, 3, -1, 7);
      for (int k = 0; k <= 6; k++) {
        Tensor keep = Tensors.int32(new int[k], Tensors.CPU);
        Kernels.top(scores, keep);
        assertArrayEquals(Kernels.top(scores, k), Tensors.toInts(keep));
      }
      assertArrayEquals(new int[] {0, 2, 5}, Kernels.top(scores, 3));
      assertArrayEquals(new int[0], Kernels.top(scores, -2));
      assertEquals(6, Kernels.top(scores, 9).length);
    }
  }

  @Test void gathersByATensorWhatItGathersByAnArray() {
    try (PointerScope scope = new PointerScope()) {
      Tensor rows = Tensors.floats(new float[] {0, 1, 10, 11, 20, 21}, Tensors.CPU, 3, 2);
      int[] keep = {2, 0, 2};
      assertArrayEquals(new float[] {20, 21, 0, 1, 20, 21}, Tensors.toFloats(Kernels.gatherRows(rows, keep)));
      assertArrayEquals(new float[] {20, 21, 0, 1, 20, 21}, Tensors.toFloats(Kernels.gatherRows(rows, Tensors.int32(keep, Tensors.CPU))));
      assertEquals(0, Kernels.gatherRows(rows, new int[0]).size(0));
    }
  }

  @Test void whatAThreadReusesGrowsAndLeavesNothingBehind() {
    try (PointerScope scope = new PointerScope()) {
      for (int n : new int[] {5, 100_000, 7, 300_000, 3}) {
        Tensor rows = Tensors.floats(new float[n], Tensors.CPU, n, 1).fill_(new Scalar(1.5));
        int[] kept = Kernels.top(rows.view(-1), n - 1);
        assertArrayEquals(IntStream.range(0, n - 1).toArray(), kept);
        assertEquals(n - 1, Kernels.gatherRows(rows, kept).size(0));
        float[] sum = Tensors.toFloats(Kernels.mergeRows(rows, new int[][] {kept}, new float[][] {ones(n - 1)}));
        assertEquals(1.5f * (n - 1), sum[0], 0.01f * n);
      }
    }
  }

  private static float[] ones(int n) {
    float[] ones = new float[n];
    Arrays.fill(ones, 1);
    return ones;
  }

  @Test void refusesTensorsByShapeAndTypeAndSaysWhatItGot() {
    try (PointerScope scope = new PointerScope()) {
      Tensor scores = floats(1, 2, 3);
      refused("top: wants contiguous float32 [n], got Half[3]", () -> Kernels.top(scores.to(ScalarType.Half), 1));
      refused("got Float[1, 3]", () -> Kernels.top(scores.view(1, 3), 1));
      refused("k <= n", () -> Kernels.top(scores, Tensors.int32(new int[4], Tensors.CPU)));
      refused("int32 [k]", () -> Kernels.top(scores, Tensors.indices(new int[2], Tensors.CPU)));
      refused("keep", () -> Kernels.gatherRows(scores.view(3, 1), new int[] {3}));
      refused("int32 list", () -> Kernels.gatherRows(scores.view(3, 1), Tensors.indices(new int[1], Tensors.CPU)));
      refused("names row 3 of 3", () -> Kernels.compactRows(new Tensor[] {scores.view(3, 1)}, new int[][] {{1, 3}}));
      refused("got Float[3, 1] Float[2]", () -> Greedy.choose(Greedy.Objective.DPP, scores.view(3, 1), floats(1, 2), null, 1, 0, 2));
    }
  }

  private static void refused(String message, Runnable call) {
    String text = assertThrows(InvalidInputException.class, call::run).getMessage();
    assertTrue(text.contains(message), text);
  }
}
