package dev.winnow.kernels;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;

/** Java arrays on their way to a kernel: copied into host memory that is used again and again, or into a new tensor on a CUDA device. */
final class Staging {
  private IntPointer ints = Call.kept(new IntPointer(1024));
  private FloatPointer floats = Call.kept(new FloatPointer(1024));

  /** Where the values lie on the device of {@code like}, until the next use or the end of the caller's scope. */
  Pointer of(int[] values, Tensor like) {
    if (!like.is_cpu()) return Tensors.int32(values, like.device()).data_ptr();
    if (ints.capacity() < values.length) {
      ints.releaseReference();
      ints = Call.kept(new IntPointer(2L * values.length));
    }
    return ints.put(values, 0, values.length);
  }

  Pointer of(float[] values, Tensor like) {
    if (!like.is_cpu()) return Tensors.floats(values, like.device(), values.length).data_ptr();
    if (floats.capacity() < values.length) {
      floats.releaseReference();
      floats = Call.kept(new FloatPointer(2L * values.length));
    }
    return floats.put(values, 0, values.length);
  }
}
