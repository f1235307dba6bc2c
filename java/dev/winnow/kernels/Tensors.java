package dev.winnow.kernels;

import static org.bytedeco.pytorch.global.torch.empty;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.LayoutOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Moves values between Java arrays and libtorch tensors. Every tensor returned is new and contiguous; call inside a PointerScope. */
public final class Tensors {
  private Tensors() {}

  /** An uninitialised tensor of the given type and shape on a device. */
  public static Tensor uninitialised(ScalarType type, Device device, long... shape) {
    return empty(shape, Options.type(type), Options.LAYOUT, device.is_cpu() ? Options.HOST : new DeviceOptional(device), Options.PINNED,
        Options.FORMAT);
  }

  /** An uninitialised tensor of the given type and shape where {@code like} lies. */
  static Tensor like(Tensor like, ScalarType type, long... shape) {
    return uninitialised(type, like.is_cpu() ? CPU : like.device(), shape);
  }

  /** Arguments of {@code empty} that are made once: making one costs as much as the tensor. */
  private static final class Options {
    static final LayoutOptional LAYOUT = kept(new LayoutOptional());
    static final DeviceOptional HOST = kept(new DeviceOptional(CPU));
    static final BoolOptional PINNED = kept(new BoolOptional());
    static final MemoryFormatOptional FORMAT = kept(new MemoryFormatOptional());
    private static final Map<Byte, ScalarTypeOptional> TYPES = new ConcurrentHashMap<>();

    static ScalarTypeOptional type(ScalarType type) {
      return TYPES.computeIfAbsent(type.value, value -> kept(new ScalarTypeOptional(type)));
    }

    private static <P extends Pointer> P kept(P pointer) {
      pointer.retainReference();
      return pointer;
    }
  }

  /** int64 [values.length], as libtorch wants indices. */
  public static Tensor indices(int[] values, Device device) {
    long[] wide = new long[values.length];
    for (int i = 0; i < wide.length; i++) wide[i] = values[i];
    Tensor host = uninitialised(ScalarType.Long, CPU, wide.length);
    if (wide.length > 0) new LongPointer(host.data_ptr()).put(wide, 0, wide.length);
    return onDevice(host, device);
  }

  /** int32 [values.length], as the kernels want keep-lists. */
  public static Tensor int32(int[] values, Device device) {
    Tensor host = uninitialised(ScalarType.Int, CPU, values.length);
    if (values.length > 0) new IntPointer(host.data_ptr()).put(values, 0, values.length);
    return onDevice(host, device);
  }

  /** float32 of the given shape, row-major. */
  public static Tensor floats(float[] values, Device device, long... shape) {
    Tensor host = uninitialised(ScalarType.Float, CPU, shape);
    if (values.length > 0) new FloatPointer(host.data_ptr()).put(values, 0, values.length);
    return onDevice(host, device);
  }

  /** All elements in row-major order, converted to float32. */
  public static float[] toFloats(Tensor tensor) {
    Tensor host = tensor.to(CPU, ScalarType.Float).contiguous();
    float[] values = new float[Math.toIntExact(host.numel())];
    if (values.length > 0) new FloatPointer(host.data_ptr()).get(values, 0, values.length);
    return values;
  }

  /** All elements of an int32 tensor in row-major order. */
  public static int[] toInts(Tensor tensor) {
    Tensor host = tensor.to(CPU, ScalarType.Int).contiguous();
    int[] values = new int[Math.toIntExact(host.numel())];
    if (values.length > 0) new IntPointer(host.data_ptr()).get(values, 0, values.length);
    return values;
  }

  /** Gives a tensor that the caller must close to a scope that will close it. */
  public static Tensor adopt(PointerScope scope, Tensor retained) {
    scope.attach(retained);
    retained.releaseReference();
    return retained;
  }

  private static Tensor onDevice(Tensor host, Device device) {
    return device.is_cpu() ? host : host.to(device, host.scalar_type());
  }

  /** The host. Lives as long as the class. */
  public static final Device CPU = cpu();

  private static Device cpu() {
    Device device = new Device("cpu");
    device.retainReference();
    return device;
  }
}
