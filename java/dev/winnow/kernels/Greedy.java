package dev.winnow.kernels;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Subsets of rows, chosen one row after the other. Call inside a PointerScope. Safe for any number of threads. */
public final class Greedy {
  private Greedy() {}

  /** What {@link #choose} maximises; the header says it in full. */
  public enum Objective {
    /** The smallest distance among the chosen: farthest point first. */
    MAX_MIN(Wn.WN_MAX_MIN),
    /** The determinant of the chosen rows' kernel. */
    DPP(Wn.WN_DPP),
    /** How well the chosen rows cover all rows. */
    COVERAGE(Wn.WN_COVERAGE);

    private final int code;

    Objective(int code) { this.code = code; }
  }

  /**
   * Chooses rows of x one after the other by cosine similarity S.
   *
   * @param x float32 [n, width], contiguous
   * @param weight float32 [n] per candidate, or null for 1
   * @param rowWeight float32 [n] per covered row, COVERAGE only, or null for 1
   * @param scale of the similarity, COVERAGE only: what is covered is {@code scale * S + shift}
   * @return the min(k, n) rows chosen, in the order of choice
   */
  public static int[] choose(Objective objective, Tensor x, Tensor weight, Tensor rowWeight, float scale, float shift, int k) {
    Call.require(isMatrix(x) && isVector(weight, x.size(0)) && isVector(rowWeight, x.size(0)), "choose",
        "contiguous float32 [n, width] and float32 [n] weights", x, weight, rowWeight);
    Wn.GreedyDesc d = Call.current().greedy;
    d.dim((int) x.size(1)).x(x.data_ptr()).x_sn(x.size(1)).x_sb(x.numel()).matrix(null).matrix_rows(0);
    int n = (int) x.size(0);
    return run(objective, d, n, n, x, weight, rowWeight, scale, shift, k);
  }

  /** As {@link #choose} for COVERAGE, where the caller has what each candidate covers: float32 [rows, n], contiguous. */
  public static int[] cover(Tensor matrix, Tensor weight, int k) {
    Call.require(isMatrix(matrix) && isVector(weight, matrix.size(1)), "cover", "contiguous float32 [rows, n] and float32 [n] weights",
        matrix, weight);
    int n = (int) matrix.size(1);
    int rows = (int) matrix.size(0);
    Wn.GreedyDesc d = Call.current().greedy;
    d.dim(1).x(null).matrix(matrix.data_ptr()).matrix_rows(rows).matrix_sr(n).matrix_sb(matrix.numel());
    return run(Objective.COVERAGE, d, n, rows, matrix, weight, null, 1, 0, k);
  }

  private static int[] run(Objective objective, Wn.GreedyDesc d, int n, int rows, Tensor data, Tensor weight, Tensor rowWeight, float scale,
      float shift, int k) {
    int chosen = Math.max(0, Math.min(k, n));
    if (chosen == 0) return new int[0];
    Tensor out = Tensors.like(data, ScalarType.Int, chosen);
    d.dtype(Wn.WN_F32).objective(objective.code).batch(1).n(n).k(chosen).f_scale(scale).f_shift(shift);
    d.weight(Call.address(weight)).weight_sb(n).row_weight(Call.address(rowWeight)).row_weight_sb(rows).out_idx(out.data_ptr())
        .out_sb(chosen);
    Call.current().run(context -> Wn.wn_greedy_workspace(context, d),
        (context, workspace, bytes) -> Wn.wn_greedy(context, d, workspace, bytes, null), data, weight, rowWeight, out);
    return Tensors.toInts(out);
  }

  private static boolean isMatrix(Tensor x) { return x.dim() == 2 && x.is_contiguous() && Call.isFloat32(x); }

  private static boolean isVector(Tensor weight, long n) {
    return weight == null || weight.numel() == n && weight.is_contiguous() && Call.isFloat32(weight);
  }
}
