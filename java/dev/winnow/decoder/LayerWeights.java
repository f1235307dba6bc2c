package dev.winnow.decoder;

import static org.bytedeco.pytorch.global.torch.linear;
import static org.bytedeco.pytorch.global.torch.rms_norm;
import static org.bytedeco.pytorch.global.torch.silu_;

import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The weights of one decoder layer and the row-wise part of its arithmetic; every tensor is [rows, width]. */
record LayerWeights(Tensor inputNorm, Tensor postNorm, Projection q, Projection k, Projection v, Projection o, Projection gate,
    Projection up, Projection down, double eps) {

  /** y = x W^T + b, W stored [out, in]; {@code bias} may be null. */
  record Projection(Tensor weight, Tensor bias) {
    Tensor apply(Tensor x) { return bias == null ? linear(x, weight) : linear(x, weight, new TensorOptional(bias)); }
  }

  /**
   * x * rsqrt(mean(x^2) + eps) * weight (Zhang and Sennrich, 2019), computed in float32 and rounded once. libtorch 2.10 does the same by
   * itself, but on CPU takes 25 times as long for bfloat16 rows as for float32 ones.
   */
  static Tensor norm(Tensor x, Tensor weight, double eps) {
    Tensor wide = rms_norm(x.to(ScalarType.Float), new long[] {x.size(-1)},
        new TensorOptional(weight.to(ScalarType.Float)), new DoubleOptional(eps));
    return wide.to(x.scalar_type());
  }

  Tensor normedInput(Tensor x) { return norm(x, inputNorm, eps); }

  /** x + o(attention), then + down(silu(gate(h)) * up(h)) with h the normed sum. */
  Tensor finish(Tensor x, Tensor attention) {
    Tensor middle = o.apply(attention).add_(x);
    Tensor h = norm(middle, postNorm, eps);
    return down.apply(silu_(gate.apply(h)).mul_(up.apply(h))).add_(middle);
  }
}
