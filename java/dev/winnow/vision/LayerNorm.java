package dev.winnow.vision;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * Normalisation of the last dimension to mean 0 and variance 1, then scale and shift.
 *
 * @param width size of that dimension
 * @param weight [width]
 * @param bias [width]
 * @param epsilon added to the variance
 */
public record LayerNorm(long width, TensorOptional weight, TensorOptional bias, double epsilon) {
  /** @param x [..., width]; the result has its shape */
  public Tensor apply(Tensor x) { return torch.layer_norm(x, new long[] {width}, weight, bias, epsilon, true); }
}
