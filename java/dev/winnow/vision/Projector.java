package dev.winnow.vision;

import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.Weights;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Carries tower features into the language model's space: linear, activation, linear. Immutable; threads may share it. */
public final class Projector implements AutoCloseable {
  private final ComputeWeights weights;
  private final Linear first;
  private final Linear second;
  private final Activation activation;

  /**
   * Takes the projector's weights, converted once to the dtype and device of the computation.
   *
   * @param source must stay open as long as the projector
   * @throws dev.winnow.InvalidInputException naming the tensor that is missing or has another shape than the config implies
   */
  public Projector(ModelConfig config, Weights source, ScalarType dtype, Device device) {
    activation = Activation.of(config.projectorActivation());
    weights = new ComputeWeights(source, dtype, device);
    boolean made = false;
    try {
      int out = config.text().hidden();
      int in = config.vision().hidden() * config.vision().featureLayers().size();
      first = weights.linear("projector.linear_1", out, in, config.projectorBias());
      second = weights.linear("projector.linear_2", out, out, config.projectorBias());
      made = true;
    } finally {
      if (!made) weights.close();
    }
  }

  /**
   * @param features [..., hidden x feature layers] from the tower
   * @return [..., hidden of the language model] in the projector's dtype; the caller closes it
   */
  public Tensor project(Tensor features) {
    try (PointerScope scope = new PointerScope()) {
      Tensor result = second.apply(activation.apply(first.apply(features.to(weights.device(), weights.dtype()))));
      result.retainReference();
      return result;
    }
  }

  @Override public void close() { weights.close(); }
}
