package dev.winnow.checkpoint;

import java.nio.file.Path;
import java.util.Arrays;

/**
 * Where one stored tensor lies.
 *
 * @param name name in its file
 * @param dtype safetensors name of the element type, such as "F32"
 * @param shape sizes, outermost first, contiguous
 * @param file file that holds it
 * @param fileSize size of that file in bytes, as the tensor was checked against
 * @param offset first byte, counted from the beginning of the file
 * @param bytes length in bytes
 */
record TensorInfo(String name, String dtype, long[] shape, Path file, long fileSize, long offset, long bytes) {

  /** Bytes of one element, or 0 for a type unknown to us (or packed below one byte). */
  static int elementBytes(String dtype) {
    switch (dtype) {
      case "F64": case "I64": case "U64": return 8;
      case "F32": case "I32": case "U32": return 4;
      case "F16": case "BF16": case "I16": case "U16": return 2;
      case "BOOL": case "U8": case "I8": case "F8_E4M3": case "F8_E5M2": case "F8_E8M0": return 1;
      default: return 0;
    }
  }

  /** Product of the sizes; throws ArithmeticException beyond 2^63. */
  static long elements(long[] shape) {
    long product = 1;
    for (long size : shape) product = Math.multiplyExact(product, size);
    return product;
  }

  /** Whether the engine can compute with it. */
  boolean usable() { return dtype.equals("F32") || dtype.equals("F16") || dtype.equals("BF16"); }

  String describe() { return name + " (" + dtype + " " + Arrays.toString(shape) + " in " + file.getFileName() + ")"; }
}
