package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import java.util.Locale;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** The activation functions of towers and projectors, by the names that configs use. */
enum Activation {
  /** x sigmoid(1.702 x), as CLIP was trained with. */
  QUICK_GELU {
    @Override Tensor apply(Tensor x) { return x.mul(new Scalar(1.702)).sigmoid_().mul_(x); }
  },
  /** x Phi(x) with the error function. */
  GELU {
    @Override Tensor apply(Tensor x) { return torch.gelu(x); }
  },
  /** x Phi(x) by its tanh approximation. */
  GELU_PYTORCH_TANH {
    @Override Tensor apply(Tensor x) { return torch.gelu(x, "tanh"); }
  };

  abstract Tensor apply(Tensor x);

  static Activation of(String name) {
    for (Activation a : values()) if (a.name().toLowerCase(Locale.ROOT).equals(name)) return a;
    throw new InvalidInputException("activation \"" + name + "\" is not supported in a vision tower or projector; use quick_gelu, gelu or"
        + " gelu_pytorch_tanh");
  }
}
