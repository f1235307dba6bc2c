package dev.winnow.bench;

import static org.bytedeco.pytorch.global.torch.make_generator_cpu;

import dev.winnow.checkpoint.HeldWeights;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** Seeded noise of a trained model's size in place of weights, so that activations stay finite. */
final class BenchWeights implements AutoCloseable {
  /** Half the width of the uniform distribution with the standard deviation 0.02, with which Llama's matrices are initialised. */
  private static final double SPREAD = 0.02 * Math.sqrt(3);

  private final HeldWeights held = new HeldWeights();
  private final Dtype dtype;
  private final GeneratorOptional random;

  BenchWeights(Dtype dtype, long seed) {
    this.dtype = dtype;
    try (PointerScope scope = new PointerScope()) {
      random = new GeneratorOptional(make_generator_cpu(seed));
      random.retainReference();
    }
  }

  /** What was named so far, for a model to read. */
  HeldWeights held() { return held; }

  /** Noise under a name. */
  void noise(String name, long... shape) {
    try (PointerScope scope = new PointerScope()) {
      held.hold(name, rows(shape));
    }
  }

  /** One number everywhere, [width], under a name. */
  void fill(String name, double value, long width) {
    try (PointerScope scope = new PointerScope()) {
      held.hold(name, Tensors.uninitialised(dtype.torch, Tensors.CPU, width).fill_(new Scalar(value)));
    }
  }

  /** A norm that changes nothing. */
  void norm(String name, long width) {
    fill(name + ".weight", 1, width);
    fill(name + ".bias", 0, width);
  }

  /** A layer of noise without an effective bias. */
  void linear(String name, long out, long in) {
    noise(name + ".weight", out, in);
    fill(name + ".bias", 0, out);
  }

  /** Blocks of a tower of pictures or text, as CLIP names them. */
  void blocks(String tower, int count, long width, long intermediate) {
    for (int i = 0; i < count; i++) {
      String prefix = tower + "encoder.layers." + i + ".";
      norm(prefix + "layer_norm1", width);
      norm(prefix + "layer_norm2", width);
      for (String part : new String[] {"q_proj", "k_proj", "v_proj", "out_proj"}) linear(prefix + "self_attn." + part, width, width);
      linear(prefix + "mlp.fc1", intermediate, width);
      linear(prefix + "mlp.fc2", width, intermediate);
    }
  }

  /** Noise that nobody holds; belongs to the caller's PointerScope. */
  Tensor rows(long... shape) { return Tensors.uninitialised(dtype.torch, Tensors.CPU, shape).uniform_(-SPREAD, SPREAD, random); }

  @Override public void close() {
    random.releaseReference();
    held.close();
  }
}
