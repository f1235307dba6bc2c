package dev.winnow.conform;

import dev.winnow.kernels.Tensors;
import dev.winnow.vision.VisionObserver;
import org.bytedeco.pytorch.Tensor;

/** Adds up every hidden state of the tower over the pictures or frames of a case. */
final class TowerSums implements VisionObserver {
  private final double[] sums;
  private final double[] squares;
  private final long[] counts;

  TowerSums(int blocks) {
    sums = new double[blocks + 1];
    squares = new double[blocks + 1];
    counts = new long[blocks + 1];
  }

  @Override public Tensor afterEmbedding(Tensor hidden) { return add(0, hidden); }

  @Override public Tensor afterBlock(int block, Tensor hidden) { return add(block + 1, hidden); }

  private Tensor add(int state, Tensor hidden) {
    for (float value : Tensors.toFloats(hidden)) {
      sums[state] += value;
      squares[state] += (double) value * value;
      counts[state]++;
    }
    return hidden;
  }

  /** Only the states that were run: blocks behind the features are not. */
  void compare(String what, CaseNode wanted, Check check) {
    for (int i = 0; i < wanted.size() && i < sums.length; i++) {
      if (counts[i] > 0) compare(what + "[" + i + "]", sums[i], squares[i], counts[i], wanted.get(i), check);
    }
  }

  static void compareSums(String what, float[] got, CaseNode wanted, Check check) {
    double sum = 0;
    double square = 0;
    for (float value : got) {
      sum += value;
      square += (double) value * value;
    }
    compare(what, sum, square, got.length, wanted, check);
  }

  private static void compare(String what, double sum, double square, long count, CaseNode wanted, Check check) {
    double wantedSquare = wanted.get("sumsq").asDouble();
    check.close(what + ".sum", sum, wanted.get("sum").asDouble(), 1e-4 * Math.sqrt(count * wantedSquare));
    check.close(what + ".sumsq", square, wantedSquare, 1e-4 * wantedSquare);
  }
}
