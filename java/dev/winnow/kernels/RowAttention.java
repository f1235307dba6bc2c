package dev.winnow.kernels;

import java.util.Arrays;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Attention of one new row, the one of decoding, from the kernels for scores and for weighted sums of rows, with a head in the place of a
 * batch row: keys and values are read once, in their own dtype and where they lie. libtorch converts or copies the cache first. For the host
 * only.
 */
public final class RowAttention {
  /** Places that hold a row number each, and the two ends of each head's list; they grow with the longest cache that a thread has seen. */
  private static final class Lists {
    IntPointer source;
    IntPointer ends;
    int heads;
    int rows;
    int capacity;

    /** Lists of the first {@code rows} rows for every head. */
    void fit(int heads, int rows) {
      if (this.heads != heads || rows > capacity) grow(heads, rows);
      if (this.rows == rows) return;
      this.rows = rows;
      int[] places = new int[2 * heads];
      for (int h = 0; h < heads; h++) {
        places[2 * h] = h * capacity;
        places[2 * h + 1] = h * capacity + rows;
      }
      ends.put(places);
    }

    private void grow(int heads, int rows) {
      close();
      this.heads = heads;
      this.rows = -1;
      capacity = (rows + 1023) / 1024 * 1024;
      int[] numbers = new int[Math.multiplyExact(heads, capacity)];
      for (int i = 0; i < numbers.length; i++) numbers[i] = i % capacity;
      source = Call.kept(new IntPointer(numbers));
      ends = Call.kept(new IntPointer(2L * heads));
    }

    private void close() {
      if (source == null) return;
      source.releaseReference();
      ends.releaseReference();
    }
  }

  private static final ThreadLocal<Lists> LISTS = ThreadLocal.withInitial(Lists::new);

  private RowAttention() {}

  /**
   * softmax(q.k / sqrt(D)) . v for every query head, with logits, probabilities and sums in float32, rounded once.
   *
   * @param query [1, heads, D], heads a multiple of kvHeads
   * @param keys [m, kvHeads, D], m >= 1, any strides but a contiguous last dimension, same dtype; {@code values} likewise
   * @return [1, heads * D] of the same dtype; belongs to the caller's PointerScope
   */
  public static Tensor run(Tensor query, Tensor keys, Tensor values) {
    boolean fits = query.dim() == 3 && keys.dim() == 3 && query.size(0) == 1 && keys.size(0) >= 1 && keys.size(2) == query.size(2)
        && query.size(1) % keys.size(1) == 0;
    Call.require(fits, "attention of a row", "query [1, heads, D], keys and values [m, kvHeads, D]", query, keys, values);
    Call.require(Arrays.equals(values.shape(), keys.shape()) && query.stride(2) == 1 && keys.stride(2) == 1 && values.stride(2) == 1
        && query.is_cpu(),
        "attention of a row", "rows on the CPU with a contiguous last dimension", query, keys, values);
    long heads = keys.size(1);
    long group = query.size(1) / heads;
    long m = keys.size(0);
    long dim = query.size(2);
    Lists lists = LISTS.get();
    lists.fit((int) heads, (int) m);
    Tensor weights = Tensors.uninitialised(ScalarType.Float, Tensors.CPU, heads, lists.capacity);
    Tensor out = Tensors.uninitialised(query.scalar_type(), Tensors.CPU, 1, query.size(1) * dim);
    for (long g = 0; g < group; g++) {
      probabilities(query, keys, g, group, weights, lists.capacity);
      sum(values, weights, lists, out, g * dim * query.element_size(), group * dim);
    }
    return out;
  }

  /** Query head g of every group against its keys. */
  private static void probabilities(Tensor query, Tensor keys, long g, long group, Tensor weights, long stride) {
    Call call = Call.current();
    Wn.ScoreDesc d = call.rowScore;
    int m = (int) keys.size(0);
    long dim = keys.size(2);
    d.dtype(Dtype.of(keys.scalar_type()).code).mode(Wn.WN_SOFTMAX).reduce(Wn.WN_MEAN).batch((int) keys.size(1)).heads_q(1).heads_kv(1);
    d.head_dim((int) dim).n_query(1).max_key(m).key_begin(0).key_count(m).scale((float) (1 / Math.sqrt(dim)));
    d.q(query.data_ptr().getPointer(g * query.stride(1) * query.element_size())).q_sb(group * query.stride(1)).q_sh(0)
        .q_st(query.stride(0));
    d.k(keys.data_ptr()).k_sb(keys.stride(1)).k_sh(0).k_sn(keys.stride(0)).out(weights.data_ptr()).out_sb(stride);
    call.run(context -> Wn.wn_score_workspace(context, d), (context, workspace, bytes) -> Wn.wn_score(context, d, workspace, bytes, null),
        query, keys, weights);
  }

  private static void sum(Tensor values, Tensor weights, Lists lists, Tensor out, long outBytes, long outStride) {
    Wn.MergeDesc d = Call.current().rowMerge;
    int heads = (int) values.size(1);
    int dim = (int) values.size(2);
    d.dtype(Dtype.of(values.scalar_type()).code).batch(heads).n_rows((int) values.size(0)).dim(dim).n_seg(1)
        .n_entry(heads * lists.capacity);
    d.normalise(Wn.WN_MERGE_SUM).src(values.data_ptr()).src_sb(values.stride(1)).src_sn(values.stride(0));
    d.dst(out.data_ptr().getPointer(outBytes)).dst_sb(outStride).dst_sn(dim);
    d.seg_begin(lists.ends).seg_begin_sb(2).seg_src(lists.source).seg_weight(weights.data_ptr());
    Call.run(context -> Wn.wn_merge_rows(context, d, null), values, weights, out);
  }
}
