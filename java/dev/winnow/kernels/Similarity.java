package dev.winnow.kernels;

import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Comparison of rows with each other: cosine, dot product or distance, without ever storing a matrix of all pairs. Rows are [n, dim] with a
 * contiguous last dimension, float32, float16 or bfloat16; sums and results are float32. Equal similarities: the lower index wins; a row
 * with a NaN is similar to nothing. Call inside a PointerScope; results belong to it. Safe for any number of threads.
 */
public final class Similarity {
  private Similarity() {}

  /** How two rows are compared. */
  public enum Metric {
    /** x.y / (max(|x|, eps) max(|y|, eps)); 0 for a row of zeros. */
    COSINE(Wn.WN_COSINE),
    /** x.y */
    DOT(Wn.WN_DOT),
    /** -|x - y|^2 */
    NEGATIVE_SQUARED_DISTANCE(Wn.WN_NEG_L2);

    private final int code;

    Metric(int code) { this.code = code; }
  }

  /** The most similar row of each pivot: float32 values and int32 indices, [pivots]. */
  public record Neighbours(Tensor values, Tensor indices) {}

  /**
   * Mean cosine of the pairs of different tokens within each window of a raster.
   *
   * @param x [height * gridWidth, dim], row by row
   * @return float32 [windows], row by row; the windows must tile the grid
   */
  public static Tensor windows(Tensor x, int gridWidth, int windowHeight, int windowWidth, float eps) {
    Call.require(Call.isRows(x), "windows", "rows [n, dim]", x);
    int n = (int) x.size(0);
    Tensor out = Tensors.like(x, ScalarType.Float, n / Math.max(1, windowHeight * windowWidth));
    Wn.SimilarityDesc d = describe(Wn.WN_SIM_WINDOWS, Metric.COSINE, x, eps).n_pivot(0).win_h(windowHeight).win_w(windowWidth)
        .grid_w(gridWidth);
    run(d.out_val(out.data_ptr()).out_idx(null).out_sb(out.size(0)).out_sp(0), x, out);
    return out;
  }

  /** Similarity of some rows of x to every row of x, themselves included: float32 [pivots.length, n]. */
  public static Tensor toAll(Tensor x, int[] pivots, Metric metric, float eps) {
    Call.require(Call.isRows(x), "toAll", "rows [n, dim]", x);
    Tensor out = Tensors.like(x, ScalarType.Float, pivots.length, x.size(0));
    Wn.SimilarityDesc d = describe(Wn.WN_SIM_PIVOTS, metric, x, eps).n_pivot(pivots.length).pivot(Call.current().keep.of(pivots, x));
    run(d.out_val(out.data_ptr()).out_idx(null).out_sb(out.numel()).out_sp(x.size(0)), x, out);
    return out;
  }

  /** For every row of x the most similar other row: [n]. */
  public static Neighbours nearest(Tensor x, Metric metric, float eps) { return neighbours(x, null, null, metric, eps); }

  /** For some rows of x the most similar other row of x: [pivots.length]. */
  public static Neighbours nearest(Tensor x, int[] pivots, Metric metric, float eps) { return neighbours(x, null, pivots, metric, eps); }

  /** For every row of y [p, dim] the most similar row of x: [p]. */
  public static Neighbours nearest(Tensor x, Tensor y, Metric metric, float eps) { return neighbours(x, y, null, metric, eps); }

  private static Neighbours neighbours(Tensor x, Tensor y, int[] pivots, Metric metric, float eps) {
    Call.require(Call.isRows(x), "nearest", "rows [n, dim]", x);
    Call.require(y == null || Call.isRows(y) && y.size(1) == x.size(1) && y.scalar_type().value == x.scalar_type().value, "nearest",
        "rows of equal width and dtype", x, y == null ? x : y);
    int count = (int) (y != null ? y.size(0) : pivots != null ? pivots.length : x.size(0));
    Tensor values = Tensors.like(x, ScalarType.Float, count);
    Tensor indices = Tensors.like(x, ScalarType.Int, count);
    Wn.SimilarityDesc d = describe(Wn.WN_SIM_ARGMAX, metric, x, eps).n_pivot(count);
    if (y != null) d.y(y.data_ptr()).y_sb(0).y_sn(y.stride(0));
    if (pivots != null) d.pivot(Call.current().keep.of(pivots, x));
    run(d.out_val(values.data_ptr()).out_idx(indices.data_ptr()).out_sb(count).out_sp(0), x, y, values, indices);
    return new Neighbours(values, indices);
  }

  /**
   * For some rows of x the most similar other rows by cosine.
   *
   * @param pivots rows of x
   * @param count neighbours of each, fewer where x has not as many
   * @return per pivot its neighbours, most similar first; among equals the lower row
   */
  public static int[][] neighbours(Tensor x, int[] pivots, int count, float eps) {
    Call.require(Call.isRows(x), "neighbours", "rows [n, dim]", x);
    int each = (int) Math.min(count, x.size(0) - 1);
    if (pivots.length == 0 || each <= 0) return new int[pivots.length][0];
    Tensor out = Tensors.like(x, ScalarType.Int, pivots.length, each);
    Wn.SimilarityDesc d = describe(Wn.WN_SIM_TOPM, Metric.COSINE, x, eps).n_pivot(pivots.length).top_m(each)
        .pivot(Call.current().keep.of(pivots, x));
    run(d.out_val(null).out_idx(out.data_ptr()).out_sb(out.numel()).out_sp(each), x, out);
    int[] flat = Tensors.toInts(out);
    int[][] neighbours = new int[pivots.length][];
    for (int p = 0; p < pivots.length; p++) neighbours[p] = Arrays.copyOfRange(flat, p * each, (p + 1) * each);
    return neighbours;
  }

  /** The thread's descriptor with everything set that all uses share, and nothing left of the use before. */
  private static Wn.SimilarityDesc describe(int op, Metric metric, Tensor x, float eps) {
    Wn.SimilarityDesc d = Call.current().similarity;
    d.dtype(Dtype.of(x.scalar_type()).code).op(op).metric(metric.code).batch(1).n((int) x.size(0)).dim((int) x.size(1)).eps(eps);
    d.top_m(1).win_h(0).win_w(0).grid_w(0).x(x.data_ptr()).x_sb(0).x_sn(x.stride(0));
    return d.y((Pointer) null).y_sb(0).y_sn(0).pivot((Pointer) null).pivot_sb(0).n_valid((Pointer) null);
  }

  private static void run(Wn.SimilarityDesc d, Tensor... used) {
    Call.current().run(context -> Wn.wn_sim_workspace(context, d),
        (context, workspace, bytes) -> Wn.wn_sim(context, d, workspace, bytes, null), used);
  }
}
