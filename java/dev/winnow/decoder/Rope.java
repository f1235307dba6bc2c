package dev.winnow.decoder;

import static org.bytedeco.pytorch.global.torch.arange;
import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.pow;

import dev.winnow.checkpoint.RopeConfig;
import dev.winnow.kernels.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Rotary position embedding (Su et al., 2021) on (j, j + D/2) pairs: angle = position * theta^(-2j/D), computed in float32 for the
 * positions at hand, so that no table bounds the length.
 */
public final class Rope implements AutoCloseable {
  private final int headDim;
  private final Device device;
  private final Tensor inverseFrequencies;

  public Rope(RopeConfig config, int headDim, Device device) {
    this.headDim = headDim;
    this.device = device;
    try (PointerScope scope = new PointerScope()) {
      // libtorch's float32 pow, as the reference framework computes it: its last bit matters at position 4000
      Tensor exponents = arange(new Scalar(0L), new Scalar((long) headDim), new Scalar(2L)).to(ScalarType.Float)
          .div(new Scalar((double) headDim));
      float[] frequencies = Tensors.toFloats(pow(new Scalar(config.theta()), exponents).reciprocal());
      for (int j = 0; j < frequencies.length; j++) frequencies[j] = scale(frequencies[j], config);
      inverseFrequencies = Tensors.floats(frequencies, device, 1, frequencies.length);
      inverseFrequencies.retainReference();
    }
  }

  /** Frequency scaling of "linear" and "llama3" (Llama 3.1 model card); "default" leaves the frequency alone. */
  private static float scale(float frequency, RopeConfig config) {
    if (config.type().equals("linear")) return (float) (frequency / config.factor());
    if (!config.type().equals("llama3")) return frequency;
    double wavelength = 2 * Math.PI / frequency;
    double longest = config.originalMaxPositions() / config.lowFreqFactor();
    double shortest = config.originalMaxPositions() / config.highFreqFactor();
    if (wavelength > longest) return (float) (frequency / config.factor());
    if (wavelength < shortest) return frequency;
    double smooth = (config.originalMaxPositions() / wavelength - config.lowFreqFactor())
        / (config.highFreqFactor() - config.lowFreqFactor());
    return (float) ((1 - smooth) * frequency / config.factor() + smooth * frequency);
  }

  Device device() { return device; }

  /** log(2 - D(d)) for d = 0 .. count - 1, D(d) the mean over all frequencies of the cosine of d's angle; float32 [count]. */
  public Tensor distanceBias(int count) {
    Tensor angles = arange(new Scalar(0L), new Scalar((long) count), new Scalar(1L)).to(device, ScalarType.Float).unsqueeze(1)
        .mul(inverseFrequencies);
    return angles.cos_().mean(1).neg_().add_(new Scalar(2.0)).log_();
  }

  /** cos and signed sin of some rows: float32 [n, 1, D] each, the first half of sin negated so that x*cos + swapHalves(x)*sin rotates. */
  record Angles(Tensor cos, Tensor sin) {}

  Angles angles(int[] positions) {
    float[] values = new float[positions.length];
    for (int i = 0; i < values.length; i++) values[i] = positions[i];
    Tensor angle = Tensors.floats(values, device, positions.length, 1).mul(inverseFrequencies);
    Tensor cos = angle.cos();
    Tensor sin = angle.sin();
    return new Angles(cat(new TensorVector(cos, cos), 1).unsqueeze(1), cat(new TensorVector(sin.neg(), sin), 1).unsqueeze(1));
  }

  /** Rotates [n, heads, D] rows, in float32 whatever the dtype; a new tensor of the same dtype. */
  Tensor rotate(Tensor rows, Angles angles) {
    Tensor wide = rows.to(ScalarType.Float);
    Tensor swapped = wide.roll(new long[] {headDim / 2}, 2);
    Tensor rotated = wide.mul(angles.cos()).add_(swapped.mul_(angles.sin()));
    return rotated.to(rows.scalar_type());
  }

  @Override public void close() { inverseFrequencies.close(); }
}
