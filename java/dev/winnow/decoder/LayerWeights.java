package dev.winnow.decoder;

import static org.bytedeco.pytorch.global.torch.linear;
import static org.bytedeco.pytorch.global.torch.rms_norm;
import static org.bytedeco.pytorch.global.torch.silu_;

import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;

/** The weights of one decoder layer and the row-wise part of its arithmetic; every tensor is [rows, width]. */
record LayerWeights(Tensor inputNorm, Tensor postNorm, Projection q, Projection k, Projection v, Projection o, Projection gate, Projection up,
    Projection down, double eps) {

  /** y = x W^T + b, W stored [out, in]; {@code bias} may be null. */
  record Projection(Tensor weight, Tensor bias) {
    Tensor apply(Tensor x) { return bias == null ? linear(x, weight) : linear(x, weight, new TensorOptional(bias)); }
  }

  /** x * rsqrt(mean(x^2) + eps) * weight (Zhang and Sennrich, 2019), accumulated in float32. */
  static Tensor norm(Tensor x, Tensor weight, double eps) {
    return rms_norm(x, new long[] {x.size(-1)}, new TensorOptional(weight), new DoubleOptional(eps));
  }

  Tensor normedInput(Tensor x) { return norm(x, inputNorm, eps); }

  /** x + o(attention), then + down(silu(gate(h)) * up(h)) with h the normed sum. */
  Tensor finish(Tensor x, Tensor attention) {
    Tensor middle = o.apply(attention).add_(x);
    Tensor h = norm(middle, postNorm, eps);
    return down.apply(silu_(gate.apply(h)).mul_(up.apply(h))).add_(middle);
  }
}
