package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Weights as a computation wants them: checked against the shapes that the config implies and brought to one dtype and device, once, at
 * loading. Where dtype and device are those of the file, nothing is copied and the tensors stay views of the mapped file.
 */
public final class ComputeWeights implements AutoCloseable {
  private final Weights source;
  private final ScalarType dtype;
  private final Device device;
  private final List<Pointer> owned = new ArrayList<>();

  /** @param source must stay open as long as this object is used */
  public ComputeWeights(Weights source, ScalarType dtype, Device device) {
    this.source = source;
    this.dtype = dtype;
    this.device = device;
  }

  public ScalarType dtype() { return dtype; }

  public Device device() { return device; }

  /**
   * A tensor under its canonical name. It belongs to this object; callers must not close it.
   *
   * @throws InvalidInputException naming the tensor if it is absent or its shape is not {@code shape}
   */
  public Tensor get(String name, long... shape) {
    Tensor stored = source.get(name);
    try (PointerScope scope = new PointerScope()) {
      long[] found = stored.sizes().vec().get();
      if (!Arrays.equals(found, shape)) {
        throw new InvalidInputException("tensor " + name + " has shape " + Arrays.toString(found) + " where config.json implies "
            + Arrays.toString(shape) + "; weights and config do not belong together");
      }
      return keep(stored.to(device, dtype));
    }
  }

  /** The layer {@code name}.weight [out, in], {@code name}.bias [out]. */
  public Linear linear(String name, long out, long in, boolean bias) {
    return linear(get(name + ".weight", out, in), bias ? get(name + ".bias", out) : null);
  }

  /** A layer of tensors that belong to this object; {@code bias} may be null. */
  Linear linear(Tensor weight, Tensor bias) { return new Linear(weight, optional(bias)); }

  /** The layer {@code name}.weight [width], {@code name}.bias [width]. */
  public LayerNorm layerNorm(String name, long width, double epsilon) {
    return new LayerNorm(width, optional(get(name + ".weight", width)), optional(get(name + ".bias", width)), epsilon);
  }

  private TensorOptional optional(Tensor tensor) {
    return keep(tensor == null ? new TensorOptional() : new TensorOptional(tensor));
  }

  /** Makes this object the owner of a pointer. */
  <P extends Pointer> P keep(P pointer) {
    pointer.retainReference();
    owned.add(pointer);
    return pointer;
  }

  @Override
  public void close() {
    owned.forEach(Pointer::close);
    owned.clear();
  }
}
