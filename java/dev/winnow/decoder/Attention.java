package dev.winnow.decoder;

import static org.bytedeco.pytorch.global.torch.ones;
import static org.bytedeco.pytorch.global.torch.scaled_dot_product_attention;

import dev.winnow.kernels.RowAttention;
import dev.winnow.kernels.Tensors;
import java.util.BitSet;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Causal attention of one sequence. Prompts from an empty cache need no mask, so libtorch takes its fused path. On CPU single rows go to a
 * kernel of ours unless something is added to their logits, which it cannot, and the rest computes in float32 whatever the dtype: products
 * of 16-bit blocks take fifty times as long where libtorch comes without MKL.
 */
final class Attention {
  private Attention() {}

  /**
   * @param queries [n, heads, headDim], the newest n rows
   * @param keys [m, kvHeads, headDim], m >= n, the newest rows last; {@code values} likewise
   * @param keyOrigins original index of each key, consulted only where {@code hidden} is not null
   * @param hidden original indices that may not be attended to; null for none
   * @param bias float32 [n or 1, m], added to the logits; null for none
   * @return [n, heads * headDim]
   */
  static Tensor run(Tensor queries, Tensor keys, Tensor values, int[] keyOrigins, BitSet hidden, Tensor bias) {
    if (queries.size(0) == 1 && hidden == null && bias == null && queries.is_cpu()) return RowAttention.run(queries, keys, values);
    long n = queries.size(0);
    long m = keys.size(0);
    boolean grouped = queries.size(1) != keys.size(1);
    boolean plainCausal = n == m && hidden == null && bias == null;
    boolean masked = !plainCausal && (n > 1 || hidden != null || bias != null);
    ScalarType type = queries.is_cpu() ? ScalarType.Float : queries.scalar_type();
    TensorOptional mask = new TensorOptional();
    if (masked) {
      Tensor visible = mask((int) n, (int) m, keyOrigins, hidden, queries.device());
      mask = new TensorOptional(bias == null ? visible : biased(bias, visible).to(type));
    }
    Tensor out = scaled_dot_product_attention(heads(queries, type), heads(keys, type), heads(values, type), mask, 0.0, plainCausal && n > 1,
        new DoubleOptional(), grouped);
    return out.to(queries.scalar_type()).squeeze(0).transpose(0, 1).reshape(n, queries.size(1) * queries.size(2));
  }

  private static Tensor biased(Tensor bias, Tensor visible) {
    return bias.masked_fill(visible.logical_not(), new Scalar(Double.NEGATIVE_INFINITY));
  }

  private static Tensor heads(Tensor rows, ScalarType type) { return rows.to(type).transpose(0, 1).unsqueeze(0); }

  /** bool [n, m], true where a query may look: causal, aligned at the end, without the hidden keys. */
  private static Tensor mask(int n, int m, int[] keyOrigins, BitSet hidden, Device device) {
    Tensor causal = ones(new long[] {n, m}).to(device, ScalarType.Bool).tril(m - n);
    if (hidden == null) return causal;
    float[] visible = new float[m];
    for (int i = 0; i < m; i++) visible[i] = hidden.get(keyOrigins[i]) ? 0 : 1;
    return causal.logical_and(Tensors.floats(visible, device, 1, m).to(ScalarType.Bool));
  }
}
