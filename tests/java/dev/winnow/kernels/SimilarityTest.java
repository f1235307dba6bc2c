package dev.winnow.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SimilarityTest {
  @BeforeAll static void load() { NativeLibrary.load(); }

  @Test void windowsAreTheMeanCosineOfTheirPairs() {
    int grid = 6;
    int dim = 5;
    Random random = new Random(3);
    float[] x = new float[4 * grid * dim];
    for (int i = 0; i < x.length; i++) x[i] = (float) random.nextGaussian();
    float[] expected = new float[4];
    for (int window = 0; window < expected.length; window++) {
      double sum = 0;
      int pairs = 0;
      for (int a = 0; a < 6; a++) {
        for (int b = a + 1; b < 6; b++, pairs++) sum += cosine(x, dim, row(window, a, grid), row(window, b, grid));
      }
      expected[window] = (float) (sum / pairs);
    }
    try (PointerScope scope = new PointerScope()) {
      Tensor rows = Tensors.floats(x, Tensors.CPU, 4L * grid, dim);
      assertArrayEquals(expected, Tensors.toFloats(Similarity.windows(rows, grid, 2, 3, 0)), 1e-5f);
    }
  }

  /** Place in a raster 6 wide of the token'th token of a window 2 high and 3 wide. */
  private static int row(int window, int token, int grid) {
    return (window / 2 * 2 + token / 3) * grid + window % 2 * 3 + token % 3;
  }

  private static double cosine(float[] x, int dim, int a, int b) {
    double dot = 0;
    double normA = 0;
    double normB = 0;
    for (int i = 0; i < dim; i++) {
      dot += x[a * dim + i] * x[b * dim + i];
      normA += x[a * dim + i] * x[a * dim + i];
      normB += x[b * dim + i] * x[b * dim + i];
    }
    return dot / Math.sqrt(normA * normB);
  }

  @Test void windowsMustTileTheGrid() {
    try (PointerScope scope = new PointerScope()) {
      Tensor rows = Tensors.floats(new float[24], Tensors.CPU, 12, 2);
      assertEquals(2, Similarity.windows(rows, 4, 3, 2, 0).size(0));
      String message = assertThrows(InvalidInputException.class, () -> Similarity.windows(rows, 4, 2, 2, 0)).getMessage();
      assertTrue(message.contains("win_h"), message);
    }
  }

  @Test void neighboursComeMostSimilarFirst() {
    try (PointerScope scope = new PointerScope()) {
      Tensor rows = Tensors.floats(new float[] {1, 0, 0.9f, 0.1f, 0, 1, 1, 0.5f}, Tensors.CPU, 4, 2);
      assertArrayEquals(new int[][] {{1, 3}, {3, 1}}, Similarity.neighbours(rows, new int[] {0, 2}, 2, 0));
      assertArrayEquals(new int[][] {{1, 3, 2}}, Similarity.neighbours(rows, new int[] {0}, 9, 0));
    }
  }
}
