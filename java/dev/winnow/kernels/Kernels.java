package dev.winnow.kernels;

import dev.winnow.InvalidInputException;
import java.lang.ref.Reference;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The native kernels on libtorch tensors that score rows, select and move them; {@link Similarity}, {@link Greedy} and {@link RowAttention}
 * have the others. Shapes, dtypes, devices and contiguity are checked here, tensors are kept alive across the call, descriptors, workspaces
 * and lists are reused per thread. Call inside a PointerScope; results belong to it. Safe for any number of threads.
 */
public final class Kernels {
  private static final String SCORES_WANTED = "contiguous float32 [n]";

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
    Tensor out = Tensors.like(keys, ScalarType.Float, count);
    run(d, out, count, queries, keys);
    return out;
  }

  private static Wn.ScoreDesc score(Tensor queries, Tensor keys, int firstKey, int count, String function) {
    long dim = keys.dim() == 3 ? keys.size(2) : 0;
    Call.require(queries.dim() == 3 && keys.dim() == 3 && queries.size(2) == dim, function,
        "queries [n, heads, D] and keys [m, kvHeads, D]", queries, keys);
    Call.require(queries.stride(2) == 1 && keys.stride(2) == 1 && queries.scalar_type().value == keys.scalar_type().value, function,
        "rows of one dtype with a contiguous last dimension", queries, keys);
    Wn.ScoreDesc d = Call.current().score;
    d.dtype(Dtype.of(keys.scalar_type()).code).mode(Wn.WN_SOFTMAX).reduce(Wn.WN_MEAN);
    d.heads_q((int) queries.size(1)).heads_kv((int) keys.size(1)).head_dim((int) dim);
    d.max_key((int) keys.size(0)).key_begin(firstKey).key_count(count).scale((float) (1 / Math.sqrt(dim)));
    d.q(queries.data_ptr()).q_st(queries.stride(0)).q_sh(queries.stride(1));
    d.k(keys.data_ptr()).k_sn(keys.stride(0)).k_sh(keys.stride(1));
    return d;
  }

  private static void run(Wn.ScoreDesc d, Tensor out, int count, Tensor queries, Tensor keys) {
    d.out(out.data_ptr()).out_sb(count);
    Call.current().run(context -> Wn.wn_score_workspace(context, d),
        (context, workspace, bytes) -> Wn.wn_score(context, d, workspace, bytes, null), out, queries, keys);
  }

  /**
   * Attention of single query rows to a span of keys, each row on its own: softmax of q.k / sqrt(headDim) over the keys that the row sees,
   * mean over heads.
   *
   * @param queries rotated, [n, heads, headDim], heads a multiple of kvHeads
   * @param visible per query how many of the keys it sees, from the first one on
   * @param keys rotated, [m, kvHeads, headDim], rows of any stride, same dtype
   * @param firstKey first key of the span
   * @param count keys of the span
   * @return float32 [n, count]
   */
  public static Tensor attentionMap(Tensor queries, int[] visible, Tensor keys, int firstKey, int count) {
    Tensor out = Tensors.like(keys, ScalarType.Float, queries.size(0), count);
    if (out.numel() == 0) return out;
    Call.require(queries.size(0) == visible.length, "attentionMap", "a number of visible keys per query", queries);
    Wn.ScoreDesc d = score(queries, keys, firstKey, count, "attentionMap");
    d.batch(visible.length).n_query(1).q_sb(queries.stride(0)).k_sb(0).key_len(Call.current().counts.of(visible, keys));
    run(d, out, count, queries, keys);
    return out;
  }

  /** Ascending indices of the {@code k} largest of float32 [n] scores; equal scores keep the lower index, NaN ranks lowest. */
  public static int[] top(Tensor scores, int k) {
    int n = lengthOfScores(scores);
    int kept = Math.max(0, Math.min(k, n));
    if (!scores.is_cpu()) {
      Tensor keep = Tensors.like(scores, ScalarType.Int, kept);
      select(scores, false, n, kept, keep.data_ptr());
      return Tensors.toInts(keep);
    }
    var keep = Call.current().results(kept);
    select(scores, true, n, kept, keep);
    int[] values = new int[kept];
    keep.get(values);
    return values;
  }

  /**
   * As {@link #top(Tensor, int)} into a tensor that the caller has, for callers that go on with it on the device.
   *
   * @param keep contiguous int32 [k], k at most n
   */
  public static void top(Tensor scores, Tensor keep) {
    String wanted = "a contiguous int32 [k] with k <= n on the device of the scores [n]";
    int n = lengthOfScores(scores);
    boolean host = scores.is_cpu();
    long kept = keep.dim() == 1 ? keep.size(0) : Long.MAX_VALUE;
    Call.require(kept <= n && keep.is_contiguous() && keep.is_cpu() == host, "top", wanted, scores, keep);
    select(scores, host, n, (int) kept, Call.intData(keep, "top", wanted, scores, keep));
    Reference.reachabilityFence(keep);
  }

  private static int lengthOfScores(Tensor scores) {
    Call.require(scores.dim() == 1 && scores.is_contiguous(), "top", SCORES_WANTED, scores);
    return (int) scores.size(0);
  }

  private static void select(Tensor scores, boolean host, int n, int kept, Pointer keep) {
    Call call = Call.current();
    Wn.SelectionDesc d = call.selection(n, kept, Call.floatData(scores, "top", SCORES_WANTED, scores), keep);
    Tensor count = host ? null : Tensors.like(scores, ScalarType.Int, 1);
    if (!host) d.keep_count(count.data_ptr());
    try {
      call.run(host ? NativeLibrary.CPU : NativeLibrary.deviceOf(scores), scores, context -> Wn.wn_select_workspace(context, d),
          (context, workspace, bytes) -> Wn.wn_select(context, d, workspace, bytes, null));
    } finally {
      if (!host) d.keep_count(call.count);
      Reference.reachabilityFence(count);
    }
  }

  /** The given rows of a tensor [n, ...] whose rows are contiguous: a new tensor [keep.length, ...] of the same dtype. */
  public static Tensor gatherRows(Tensor source, int[] keep) {
    return gather(source, keep.length, Call.current().keep.of(keep, source), null);
  }

  /** As {@link #gatherRows(Tensor, int[])}, with the rows in a contiguous int32 tensor on the device of the source. */
  public static Tensor gatherRows(Tensor source, Tensor keep) {
    Call.require(keep.dim() == 1 && keep.is_contiguous() && keep.scalar_type().value == ScalarType.Int.value
        && keep.is_cpu() == source.is_cpu(), "gatherRows",
        "a contiguous int32 list on the device of the source", source, keep);
    return gather(source, (int) keep.size(0), keep.data_ptr(), keep);
  }

  private static Tensor gather(Tensor source, int count, Pointer keep, Tensor keepTensor) {
    Call.require(source.dim() >= 2 && source.is_contiguous(), "gatherRows", "contiguous rows [n, ...]", source);
    long[] shape = source.shape();
    int n = (int) shape[0];
    long rowBytes = n == 0 ? 0 : source.numel() / n * source.element_size();
    shape[0] = count;
    Tensor out = Tensors.like(source, source.scalar_type(), shape);
    if (count == 0) return out;
    Wn.GatherDesc d = Call.current().gather;
    d.batch(1).n_rows(n).row_bytes(Math.toIntExact(rowBytes)).max_keep(count);
    d.src(source.data_ptr()).src_sn(rowBytes).dst(out.data_ptr()).dst_sn(rowBytes).keep(keep);
    Call.run(context -> Wn.wn_gather_rows(context, d, null), source, out, keepTensor);
    return out;
  }

  /**
   * Compacts several blocks of rows in place: row j of a plane becomes its old row keep[j]. One kernel call for all planes.
   *
   * @param planes contiguous [rows, ...], rows of equal size in all planes
   * @param keep per plane the strictly ascending rows that stay
   */
  public static void compactRows(Tensor[] planes, int[][] keep) {
    int longest = 1;
    int rows = 0;
    for (int p = 0; p < planes.length; p++) {
      longest = Math.max(longest, keep[p].length);
      rows = Math.max(rows, (int) planes[p].size(0));
    }
    int[] lists = new int[planes.length * longest];
    int[] counts = new int[planes.length];
    Call call = Call.current();
    LongPointer addresses = call.addresses(planes.length);
    for (int p = 0; p < planes.length; p++) {
      if (keep[p].length > 0 && keep[p][keep[p].length - 1] >= planes[p].size(0)) {
        throw new InvalidInputException("compactRows: keep-list " + p + " names row " + keep[p][keep[p].length - 1] + " of "
            + planes[p].size(0));
      }
      System.arraycopy(keep[p], 0, lists, p * longest, keep[p].length);
      counts[p] = keep[p].length;
      addresses.put(p, planes[p].data_ptr().address());
    }
    long rowBytes = planes[0].stride(0) * planes[0].element_size();
    Wn.CompactionDesc d = call.compaction;
    d.n_planes(planes.length).batch(1).heads(1).n_rows(rows).row_bytes(Math.toIntExact(rowBytes)).max_keep(longest).order(Wn.WN_STABLE);
    d.plane_addr(addresses).sn(rowBytes).keep(call.keep.of(lists, planes[0])).keep_sp(longest).keep_count(call.counts.of(counts, planes[0]))
        .count_sp(1);
    Call.run(context -> Wn.wn_kv_compact(context, d, null), planes);
  }

  /**
   * Weighted sums of rows, in float32, rounded once: row s of the result is the sum over e of
   * {@code weights[s][e] * source[members[s][e]]}.
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
    long width = source.size(1);
    Tensor out = Tensors.like(source, source.scalar_type(), members.length, width);
    if (members.length == 0) return out;
    Call call = Call.current();
    Wn.MergeDesc d = call.merge;
    d.dtype(Dtype.of(source.scalar_type()).code).batch(1).n_rows((int) source.size(0)).dim((int) width).n_seg(members.length)
        .n_entry(entries);
    d.normalise(Wn.WN_MERGE_SUM).src(source.data_ptr()).src_sn(width).dst(out.data_ptr()).dst_sn(width);
    d.seg_begin(call.counts.of(begin, source)).seg_begin_sb(begin.length).seg_src(call.keep.of(rows, source))
        .seg_weight(call.weights.of(factors, source));
    Call.run(context -> Wn.wn_merge_rows(context, d, null), source, out);
    return out;
  }
}
