package dev.winnow.prune.patches;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Cosine similarities of float32 rows. A row of zeros is similar to nothing. */
public final class Cosine {
  private static final double SMALLEST = 1e-12;

  private Cosine() {}

  /** Rows of length one, [..., width]. */
  public static Tensor unit(Tensor rows) { return rows.div(norm(rows).clamp_min(new Scalar(SMALLEST))); }

  /** Lengths of rows, [..., 1]. */
  static Tensor norm(Tensor rows) { return torch.norm(rows, new ScalarOptional(new Scalar(2)), new long[] {-1}, true); }

  /** [n, m]: every row of x with every row of y. */
  public static Tensor between(Tensor x, Tensor y) { return torch.matmul(unit(x), unit(y).t()); }
}
