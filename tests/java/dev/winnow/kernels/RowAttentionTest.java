package dev.winnow.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.winnow.InvalidInputException;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

/** The attention of single rows and the comparison of rows, against plain sums in float64. */
class RowAttentionTest {
  @Test void equalsThePlainSumsAtOddSizesAndGroups() {
    int[][] shapes = {{1, 1, 1, 1}, {3, 1, 7, 5}, {8, 2, 64, 130}, {32, 8, 128, 41}, {4, 4, 80, 1100}, {4, 2, 33, 17}};
    for (int[] shape : shapes) {
      for (ScalarType type : new ScalarType[] {ScalarType.Float, ScalarType.BFloat16, ScalarType.Half}) check(shape, type);
    }
  }

  /** Keys and values interleaved as they lie in the cache: [rows, 2, kvHeads, dim]. */
  private static void check(int[] shape, ScalarType type) {
    int heads = shape[0];
    int kvHeads = shape[1];
    int dim = shape[2];
    int rows = shape[3];
    try (PointerScope scope = new PointerScope()) {
      Tensor query = noise(1, 1, heads, dim).to(type);
      Tensor cache = noise(2, rows, 2, kvHeads, dim).to(type);
      float[] q = Tensors.toFloats(query);
      float[] kv = Tensors.toFloats(cache);
      float[] got = Tensors.toFloats(RowAttention.run(query, cache.select(1, 0), cache.select(1, 1)));
      double rounding = type.value == ScalarType.BFloat16.value ? 1 / 128.0 : type.value == ScalarType.Half.value ? 1 / 1024.0 : 1e-5;
      for (int h = 0; h < heads; h++) {
        int group = h / (heads / kvHeads);
        double[] weight = new double[rows];
        double total = 0;
        for (int r = 0; r < rows; r++) {
          double dot = 0;
          for (int d = 0; d < dim; d++) dot += (double) q[h * dim + d] * kv[((2 * r) * kvHeads + group) * dim + d];
          total += weight[r] = Math.exp(dot / Math.sqrt(dim));
        }
        for (int d = 0; d < dim; d++) {
          double sum = 0;
          for (int r = 0; r < rows; r++) sum += weight[r] / total * kv[((2 * r + 1) * kvHeads + group) * dim + d];
          assertEquals(sum, got[h * dim + d], rounding * Math.max(0.01, Math.abs(sum)), "head " + h + " of " + heads + "/" + kvHeads + ", "
              + rows + " rows");
        }
      }
    }
  }

  @Test void refusesWhatDoesNotFit() {
    try (PointerScope scope = new PointerScope()) {
      Tensor keys = noise(1, 5, 3, 8);
      assertThrows(InvalidInputException.class, () -> RowAttention.run(noise(1, 1, 4, 8), keys, keys));
      assertThrows(InvalidInputException.class, () -> RowAttention.run(noise(1, 2, 3, 8), keys, keys));
      assertThrows(InvalidInputException.class, () -> RowAttention.run(noise(1, 1, 3, 8), keys, noise(1, 4, 3, 8)));
    }
  }

  @Test void theNearestRowsAreThoseOfThePlainComparison() {
    try (PointerScope scope = new PointerScope()) {
      int n = 57;
      int dim = 19;
      Tensor x = noise(3, n, dim);
      float[] values = Tensors.toFloats(x);
      int[] wanted = new int[n];
      for (int i = 0; i < n; i++) {
        double best = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < n; j++) {
          double cosine = i == j ? Double.NEGATIVE_INFINITY
              : dot(values, i, j, dim) / Math.sqrt(dot(values, i, i, dim) * dot(values, j, j, dim));
          if (cosine > best) {
            best = cosine;
            wanted[i] = j;
          }
        }
      }
      assertArrayEquals(wanted, Tensors.toInts(Similarity.nearest(x, Similarity.Metric.COSINE, 0).indices()));
      int[] some = {56, 0, 13};
      assertArrayEquals(new int[] {wanted[56], wanted[0], wanted[13]},
          Tensors.toInts(Similarity.nearest(x, some, Similarity.Metric.COSINE, 0).indices()));
      float[] dots = Tensors.toFloats(Similarity.toAll(x, some, Similarity.Metric.DOT, 0));
      for (int p = 0; p < some.length; p++) for (int j = 0; j < n; j++) assertEquals(dot(values, some[p], j, dim), dots[p * n + j], 1e-4);
      assertThrows(InvalidInputException.class, () -> Similarity.nearest(x, new int[] {n}, Similarity.Metric.DOT, 0));
    }
  }

  private static double dot(float[] x, int i, int j, int dim) {
    double sum = 0;
    for (int d = 0; d < dim; d++) sum += (double) x[i * dim + d] * x[j * dim + d];
    return sum;
  }

  private static Tensor noise(long seed, int... shape) {
    int n = 1;
    long[] wide = new long[shape.length];
    for (int i = 0; i < shape.length; i++) {
      n *= shape[i];
      wide[i] = shape[i];
    }
    float[] values = new float[n];
    for (int i = 0; i < n; i++) values[i] = 2 * SplitMix.uniform(seed, i) - 1;
    return Tensors.floats(values, Tensors.CPU, wide);
  }
}
