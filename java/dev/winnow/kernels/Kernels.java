package dev.winnow.kernels;

import dev.winnow.InvalidInputException;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The native kernels on libtorch tensors: shapes, dtypes, devices and contiguity are checked here, tensors are kept alive across the call,
 * descriptors and workspaces are reused per thread. Call inside a PointerScope; results belong to it. Safe for any number of threads.
 */
public final class Kernels {
  private Kernels() {}

  /**
   * Attention that query rows pay to a span of keys: softmax of q.k / sqrt(headDim) over all keys, mean over queries and heads. The map is
   * never materialised.
   *
   * @param queries rotated, [n, heads, headDim], heads a multiple of kvHeads; every query sees every key
   * @param keys rotated, [m, kvHeads, headDim], rows of any stride, same dtype
   * @param firstKey first key of the span
   * @param count keys of the span
   * @return float32 [count]
   */
  public static Tensor attentionScores(Tensor queries, Tensor keys, int firstKey, int count) {
    Wn.ScoreDesc d = score(queries, keys, firstKey, count, "attentionScores");
    d.batch(1).n_query((int) queries.size(0)).q_sb(0).k_sb(0).key_len(null);
    return run(d, Tensors.uninitialised(ScalarType.Float, keys.device(), count), count);
  }

  private static Wn.ScoreDesc score(Tensor queries, Tensor keys, int firstKey, int count, String function) {
    Call.require(queries.dim() == 3 && keys.dim() == 3 && queries.size(2) == keys.size(2), function, "queries [n, heads, D] and keys [m, kvHeads, D]",
        queries, keys);
    Call.require(queries.stride(2) == 1 && keys.stride(2) == 1 && queries.scalar_type().value == keys.scalar_type().value, function,
        "rows of one dtype with a contiguous last dimension", queries, keys);
    Wn.ScoreDesc d = Call.current().score;
    d.dtype(Dtype.of(keys.scalar_type()).code).mode(Wn.WN_SOFTMAX).reduce(Wn.WN_MEAN);
    d.heads_q((int) queries.size(1)).heads_kv((int) keys.size(1)).head_dim((int) keys.size(2));
    d.max_key((int) keys.size(0)).key_begin(firstKey).key_count(count).scale((float) (1 / Math.sqrt(keys.size(2))));
    d.q(queries.data_ptr()).q_st(queries.stride(0)).q_sh(queries.stride(1));
    d.k(keys.data_ptr()).k_sn(keys.stride(0)).k_sh(keys.stride(1));
    return d;
  }

  private static Tensor run(Wn.ScoreDesc d, Tensor out, int count) {
    d.out(out.data_ptr()).out_sb(count);
    Wn.Context context = NativeLibrary.context(out.device());
    long bytes = Call.bytes(Wn.wn_score_workspace(context, d));
    Call.check(Wn.wn_score(context, d, Call.current().workspace(bytes, out.device()), bytes, null));
    return out;
  }

  /**
   * Attention of single query rows to a span of keys, each row on its own: softmax of q.k / sqrt(headDim) over the keys that the row sees, mean
   * over heads.
   *
   * @param queries rotated, [n, heads, headDim], heads a multiple of kvHeads
   * @param visible per query how many of the keys it sees, from the first one on
   * @param keys rotated, [m, kvHeads, headDim], rows of any stride, same dtype
   * @param firstKey first key of the span
   * @param count keys of the span
   * @return float32 [n, count]
   */
  public static Tensor attentionMap(Tensor queries, int[] visible, Tensor keys, int firstKey, int count) {
    Tensor out = Tensors.uninitialised(ScalarType.Float, keys.device(), queries.size(0), count);
    if (out.numel() == 0) return out;
    Call.require(queries.size(0) == visible.length, "attentionMap", "a number of visible keys per query", queries);
    Wn.ScoreDesc d = score(queries, keys, firstKey, count, "attentionMap");
    Tensor lengths = Tensors.int32(visible, keys.device());
    d.batch(visible.length).n_query(1).q_sb(queries.stride(0)).k_sb(0).key_len(lengths.data_ptr());
    return run(d, out, count);
  }

  /** Ascending indices of the {@code k} largest of float32 [n] scores; equal scores keep the lower index, NaN ranks lowest. */
  public static int[] top(Tensor scores, int k) {
    Call.require(scores.dim() == 1 && scores.is_contiguous() && scores.scalar_type().value == ScalarType.Float.value, "top", "contiguous float32 [n]", scores);
    int n = (int) scores.size(0);
    int kept = Math.max(0, Math.min(k, n));
    boolean host = scores.is_cpu();
    // one place more than is kept, for the count
    Tensor onDevice = host ? null : Tensors.uninitialised(ScalarType.Int, scores.device(), kept + 1L);
    Call call = Call.current();
    Pointer count = host ? call.integers(kept + 1) : onDevice.data_ptr();
    Pointer keep = host ? call.integers(kept + 1).getPointer(1) : onDevice.narrow(0, 1, kept).data_ptr();
    Wn.SelectionDesc d = call.selection;
    d.rule(Wn.WN_TOPK).rows(1).max_len(n).k(kept).max_keep(kept).scores(scores.data_ptr()).scores_s(n);
    d.keep(keep).keep_s(kept).keep_count(count);
    Wn.Context context = NativeLibrary.context(scores.device());
    long bytes = Call.bytes(Wn.wn_select_workspace(context, d));
    Call.check(Wn.wn_select(context, d, call.workspace(bytes, scores.device()), bytes, null));
    if (!host) return Tensors.toInts(onDevice.narrow(0, 1, kept));
    int[] values = new int[kept];
    call.integers(kept + 1).getPointer(1).get(values);
    return values;
  }

  /** The given rows of a tensor [n, ...] whose rows are contiguous: a new tensor [keep.length, ...] of the same dtype. */
  public static Tensor gatherRows(Tensor source, int[] keep) {
    int n = (int) source.size(0);
    long rowElements = n == 0 ? 0 : source.numel() / n;
    Call.require(source.is_contiguous() && source.dim() >= 2, "gatherRows", "contiguous rows [n, ...]", source);
    long[] shape = new long[(int) source.dim()];
    for (int i = 0; i < shape.length; i++) shape[i] = i == 0 ? keep.length : source.size(i);
    Tensor out = Tensors.uninitialised(source.scalar_type(), source.device(), shape);
    if (keep.length == 0) return out;
    long rowBytes = rowElements * source.element_size();
    Wn.GatherDesc d = Call.current().gather;
    d.batch(1).n_rows(n).row_bytes(Math.toIntExact(rowBytes)).max_keep(keep.length);
    d.src(source.data_ptr()).src_sn(rowBytes).dst(out.data_ptr()).dst_sn(rowBytes);
    Tensor list = Tensors.int32(keep, source.device());
    d.keep(list.data_ptr());
    Call.check(Wn.wn_gather_rows(NativeLibrary.context(source.device()), d, null));
    return out;
  }

  /**
   * Compacts several blocks of rows in place: row j of a plane becomes its old row keep[j]. One kernel call for all planes.
   *
   * @param planes contiguous [rows, ...], rows of equal size in all planes
   * @param keep per plane the strictly ascending rows that stay
   */
  public static void compactRows(Tensor[] planes, int[][] keep) {
    Device device = planes[0].device();
    long rowBytes = planes[0].stride(0) * planes[0].element_size();
    int longest = 1;
    int rows = 0;
    for (int p = 0; p < planes.length; p++) {
      longest = Math.max(longest, keep[p].length);
      rows = Math.max(rows, (int) planes[p].size(0));
    }
    int[] lists = new int[planes.length * longest];
    int[] counts = new int[planes.length];
    LongPointer addresses = new LongPointer(planes.length);
    for (int p = 0; p < planes.length; p++) {
      if (keep[p].length > 0 && keep[p][keep[p].length - 1] >= planes[p].size(0)) {
        throw new InvalidInputException("compactRows: keep-list " + p + " names row " + keep[p][keep[p].length - 1] + " of " + planes[p].size(0));
      }
      System.arraycopy(keep[p], 0, lists, p * longest, keep[p].length);
      counts[p] = keep[p].length;
      addresses.put(p, planes[p].data_ptr().address());
    }
    Tensor list = Tensors.int32(lists, device);
    Tensor count = Tensors.int32(counts, device);
    Wn.CompactionDesc d = Call.current().compaction;
    d.n_planes(planes.length).batch(1).heads(1).n_rows(rows).row_bytes(Math.toIntExact(rowBytes)).max_keep(longest).order(Wn.WN_STABLE);
    d.plane_addr(addresses).sn(rowBytes).keep(list.data_ptr()).keep_sp(longest).keep_count(count.data_ptr()).count_sp(1);
    Call.check(Wn.wn_kv_compact(NativeLibrary.context(device), d, null));
  }

  /** What {@link #greedy} maximises; the header says it in full. */
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
  public static int[] greedy(Objective objective, Tensor x, Tensor weight, Tensor rowWeight, float scale, float shift, int k) {
    Call.require(x.dim() == 2 && x.is_contiguous() && isFloat(x) && (weight == null || isFloat(weight)) && (rowWeight == null || isFloat(rowWeight)), "greedy",
        "contiguous float32 [n, width]", x);
    Wn.GreedyDesc d = Call.current().greedy;
    d.dim((int) x.size(1)).x(x.data_ptr()).x_sn(x.size(1)).x_sb(x.numel()).matrix(null).matrix_rows(0);
    return greedy(objective, d, (int) x.size(0), (int) x.size(0), x.device(), weight, rowWeight, scale, shift, k);
  }

  /** As {@link #greedy} for COVERAGE, where the caller has what each candidate covers: float32 [rows, n], contiguous. */
  public static int[] greedyCover(Tensor matrix, Tensor weight, int k) {
    Call.require(matrix.dim() == 2 && matrix.is_contiguous() && isFloat(matrix) && (weight == null || isFloat(weight)), "greedyCover", "contiguous float32 [rows, n]",
        matrix);
    int n = (int) matrix.size(1);
    Wn.GreedyDesc d = Call.current().greedy;
    d.dim(1).x(null).matrix(matrix.data_ptr()).matrix_rows((int) matrix.size(0)).matrix_sr(n).matrix_sb(matrix.numel());
    return greedy(Objective.COVERAGE, d, n, (int) matrix.size(0), matrix.device(), weight, null, 1, 0, k);
  }

  private static int[] greedy(Objective objective, Wn.GreedyDesc d, int n, int rows, Device device, Tensor weight, Tensor rowWeight, float scale, float shift,
      int k) {
    int chosen = Math.max(0, Math.min(k, n));
    if (chosen == 0) return new int[0];
    Tensor out = Tensors.uninitialised(ScalarType.Int, device, chosen);
    d.dtype(Wn.WN_F32).objective(objective.code).batch(1).n(n).k(chosen).f_scale(scale).f_shift(shift);
    d.weight(weight == null ? null : weight.data_ptr()).weight_sb(n).row_weight(rowWeight == null ? null : rowWeight.data_ptr()).row_weight_sb(rows);
    d.out_idx(out.data_ptr()).out_sb(chosen);
    Wn.Context context = NativeLibrary.context(device);
    long bytes = Call.bytes(Wn.wn_greedy_workspace(context, d));
    Call.check(Wn.wn_greedy(context, d, Call.current().workspace(bytes, device), bytes, null));
    return Tensors.toInts(out);
  }

  /**
   * For some rows of x the most similar other rows by cosine.
   *
   * @param x float32 [n, width], contiguous
   * @param pivots rows of x
   * @param count neighbours of each, fewer where x has not as many
   * @param eps floor of a row's norm
   * @return per pivot its neighbours, most similar first; among equals the lower row
   */
  public static int[][] neighbours(Tensor x, int[] pivots, int count, float eps) {
    Call.require(x.dim() == 2 && x.is_contiguous() && isFloat(x), "neighbours", "contiguous float32 [n, width]", x);
    int n = (int) x.size(0);
    int each = Math.min(count, n - 1);
    if (pivots.length == 0 || each <= 0) return new int[pivots.length][0];
    Device device = x.device();
    Tensor list = Tensors.int32(pivots, device);
    Tensor out = Tensors.uninitialised(ScalarType.Int, device, pivots.length, each);
    Wn.SimilarityDesc d = Call.current().similarity;
    d.dtype(Wn.WN_F32).op(Wn.WN_SIM_TOPM).metric(Wn.WN_COSINE).batch(1).n(n).dim((int) x.size(1)).n_pivot(pivots.length).top_m(each).eps(eps);
    d.x(x.data_ptr()).x_sn(x.size(1)).x_sb(x.numel()).pivot(list.data_ptr()).pivot_sb(pivots.length);
    d.out_idx(out.data_ptr()).out_sp(each).out_sb((long) pivots.length * each);
    Wn.Context context = NativeLibrary.context(device);
    long bytes = Call.bytes(Wn.wn_sim_workspace(context, d));
    Call.check(Wn.wn_sim(context, d, Call.current().workspace(bytes, device), bytes, null));
    int[] flat = Tensors.toInts(out);
    int[][] neighbours = new int[pivots.length][];
    for (int p = 0; p < pivots.length; p++) neighbours[p] = java.util.Arrays.copyOfRange(flat, p * each, (p + 1) * each);
    return neighbours;
  }

  /**
   * Weighted sums of rows, in float32, rounded once: row s of the result is the sum over e of {@code weights[s][e] * source[members[s][e]]}.
   *
   * @param source [n, width], contiguous
   * @return [members.length, width] in the dtype of the source
   */
  public static Tensor mergeRows(Tensor source, int[][] members, float[][] weights) {
    Call.require(source.dim() == 2 && source.is_contiguous(), "mergeRows", "contiguous [n, width]", source);
    int[] begin = new int[members.length + 1];
    for (int s = 0; s < members.length; s++) begin[s + 1] = begin[s] + members[s].length;
    int entries = begin[members.length];
    int[] rows = new int[entries];
    float[] factors = new float[entries];
    for (int s = 0; s < members.length; s++) {
      System.arraycopy(members[s], 0, rows, begin[s], members[s].length);
      System.arraycopy(weights[s], 0, factors, begin[s], members[s].length);
    }
    Device device = source.device();
    Tensor out = Tensors.uninitialised(source.scalar_type(), device, members.length, source.size(1));
    if (members.length == 0) return out;
    Tensor beginList = Tensors.int32(begin, device);
    Tensor rowList = Tensors.int32(rows, device);
    Tensor factorList = Tensors.floats(factors, device, entries);
    Wn.MergeDesc d = Call.current().merge;
    d.dtype(Dtype.of(source.scalar_type()).code).batch(1).n_rows((int) source.size(0)).dim((int) source.size(1)).n_seg(members.length).n_entry(entries);
    d.normalise(Wn.WN_MERGE_SUM).src(source.data_ptr()).src_sn(source.size(1)).src_sb(source.numel()).dst(out.data_ptr()).dst_sn(source.size(1)).dst_sb(out.numel());
    d.seg_begin(beginList.data_ptr()).seg_begin_sb(begin.length).seg_src(rowList.data_ptr()).seg_weight(factorList.data_ptr());
    Call.check(Wn.wn_merge_rows(NativeLibrary.context(device), d, null));
    return out;
  }

  private static boolean isFloat(Tensor tensor) { return tensor.scalar_type().value == ScalarType.Float.value; }
}
