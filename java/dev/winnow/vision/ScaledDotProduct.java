package dev.winnow.vision;

import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Attention on libtorch's fused path, by the route that is fast for dtype and device. libtorch's CPU builds without MKL compute bfloat16
 * and float16 attention without a matrix product routine, 40 times slower than float32 (6.7 s against 0.15 s for a prompt of 640 tokens and
 * 32 heads of 128, one core), so there it runs in float32 and its result is rounded; that is also the more exact way.
 */
public final class ScaledDotProduct {
  private ScaledDotProduct() {}

  /**
   * softmax(q k' / sqrt(width) + mask) v. Call inside a PointerScope.
   *
   * @param query [batch, heads, rows, width]
   * @param key [batch, key heads, keys, width]
   * @param value as {@code key}
   * @param mask broadcast to [batch, heads, rows, keys]: bool, true where a row may look, or added to the logits; null for none
   * @param causal row i looks at keys 0..i only; without a mask
   * @param grouped whether several query heads share a key head
   * @return [batch, heads, rows, width] in the dtype of the query
   */
  public static Tensor attend(Tensor query, Tensor key, Tensor value, Tensor mask, boolean causal, boolean grouped) {
    ScalarType dtype = query.scalar_type().intern();
    if (!inFloat(dtype, query.is_cpu())) return fused(query, key, value, mask, causal, grouped);
    Tensor wideMask = mask == null || mask.scalar_type().intern() == ScalarType.Bool ? mask : mask.to(ScalarType.Float);
    return fused(query.to(ScalarType.Float), key.to(ScalarType.Float), value.to(ScalarType.Float), wideMask, causal, grouped).to(dtype);
  }

  /** Whether attention of this dtype runs in float32 although its inputs do not, for reports. */
  public static boolean inFloat(ScalarType dtype, boolean cpu) { return cpu && dtype != ScalarType.Float; }

  private static Tensor fused(Tensor query, Tensor key, Tensor value, Tensor mask, boolean causal, boolean grouped) {
    TensorOptional optional = mask == null ? new TensorOptional() : new TensorOptional(mask);
    return torch.scaled_dot_product_attention(query, key, value, optional, 0, causal, new DoubleOptional(), grouped);
  }
}
