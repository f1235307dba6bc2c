package dev.winnow.vision;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * y = x W' + b.
 *
 * @param weight [out, in]
 * @param bias [out], or empty
 */
public record Linear(Tensor weight, TensorOptional bias) {
  /** @param x [..., in] in the weight's dtype and on its device; the result is [..., out] */
  public Tensor apply(Tensor x) { return torch.linear(x, weight, bias); }
}
