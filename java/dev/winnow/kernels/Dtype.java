package dev.winnow.kernels;

import dev.winnow.InvalidInputException;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The number formats that the engine computes in and the kernels take. */
public enum Dtype {
  FLOAT32("float32", ScalarType.Float, 4, 0),
  FLOAT16("float16", ScalarType.Half, 2, 1),
  BFLOAT16("bfloat16", ScalarType.BFloat16, 2, 2);

  public final String label;
  public final ScalarType torch;
  public final int bytes;
  /** The value of enum wn_dtype in winnow.h. */
  final int code;

  Dtype(String label, ScalarType torch, int bytes, int code) {
    this.label = label;
    this.torch = torch;
    this.bytes = bytes;
    this.code = code;
  }

  public static Dtype of(String label) {
    for (Dtype dtype : values()) if (dtype.label.equals(label)) return dtype;
    throw new InvalidInputException("dtype '" + label + "' is not supported; use float32, bfloat16 or float16");
  }

  public static Dtype of(ScalarType torch) {
    for (Dtype dtype : values()) if (dtype.torch.value == torch.value) return dtype;
    throw new InvalidInputException("tensors of type " + torch.intern().name() + " are not supported; use float32, bfloat16 or float16");
  }
}
