package dev.winnow.conform;

import dev.winnow.kernels.SplitMix;
import java.util.Arrays;

/**
 * Tensor descriptors of the golden files: a generator, operations from left to right, then overwritten ranges.
 *
 * @param values row-major
 */
public record TensorSpec(int[] shape, float[] values) {
  /** A gigabyte of float32: far more than any case needs, far less than fails inside a library. */
  private static final int MOST = 1 << 28;

  /** The value of hash32 stream {@code id} at flat index {@code k}: two divisions and a product in float64, rounded once. */
  public static float hash32(long id, long k, double scale) {
    int u = (int) (k * 2654435761L + id * 40503L + 12345L);
    u ^= u >>> 15;
    u *= (int) 2246822519L;
    u ^= u >>> 13;
    u *= (int) 3266489917L;
    u ^= u >>> 16;
    return (float) (((u & 0xFFFFFFFFL) / 4294967296.0 - 0.5) * scale);
  }

  public static TensorSpec read(CaseNode node) {
    TensorSpec base = generate(node);
    if (node.has("shape") && !Arrays.equals(ints(node.get("shape")), base.shape)) {
      throw node.get("shape").mustBe(Arrays.toString(base.shape) + " as what it is made of");
    }
    float[] x = base.values.clone();
    for (CaseNode op : node.path("ops")) apply(op, x, base.shape);
    for (CaseNode range : node.path("set")) {
      int from = range.get("from").asInt();
      int to = range.get("to").asInt();
      if (from < 0 || to < from || to > x.length) {
        throw range.wrong("sets " + from + " to " + to + " of " + x.length + " values");
      }
      Arrays.fill(x, from, to, (float) range.get("value").asDouble());
    }
    return new TensorSpec(base.shape, x);
  }

  public int rows() { return shape[0]; }

  private static TensorSpec generate(CaseNode node) {
    String generator = node.get("gen").asText();
    if (generator.equals("stack")) return stack(node.get("parts"));
    if (generator.equals("window_blend")) return Formulas.windowBlend(node);
    int[] shape = ints(node.get("shape"));
    float[] x = new float[size(node, shape)];
    if (generator.equals("literal") && node.get("values").size() != x.length) {
      throw node.wrong("has " + node.get("values").size() + " values for the shape " + Arrays.toString(shape));
    }
    switch (generator) {
      case "splitmix64" -> { for (int i = 0; i < x.length; i++) x[i] = SplitMix.uniform(node.get("seed").asLong(), i); }
      case "hash32" -> { for (int i = 0; i < x.length; i++) x[i] = hash32(node.get("id").asLong(), i, node.get("scale").asDouble()); }
      case "constant" -> Arrays.fill(x, (float) node.get("value").asDouble());
      case "literal" -> { for (int i = 0; i < x.length; i++) x[i] = (float) node.get("values").get(i).asDouble(); }
      case "formula" -> Formulas.fill(node, shape, x);
      default -> throw node.get("gen").mustBe("one of splitmix64, hash32, constant, literal, stack, formula, window_blend");
    }
    return new TensorSpec(shape, x);
  }

  private static TensorSpec stack(CaseNode parts) {
    TensorSpec[] read = new TensorSpec[parts.size()];
    for (int i = 0; i < read.length; i++) read[i] = read(parts.get(i));
    if (read.length == 0) throw parts.wrong("has no tensors to stack");
    for (int i = 1; i < read.length; i++) if (!Arrays.equals(read[i].shape, read[0].shape)) throw parts.wrong("have several shapes");
    int[] shape = new int[read[0].shape.length + 1];
    shape[0] = read.length;
    System.arraycopy(read[0].shape, 0, shape, 1, shape.length - 1);
    float[] x = new float[size(parts, shape)];
    for (int i = 0; i < read.length; i++) System.arraycopy(read[i].values, 0, x, i * read[i].values.length, read[i].values.length);
    return new TensorSpec(shape, x);
  }

  private static void apply(CaseNode op, float[] x, int[] shape) {
    switch (op.get(0).asText()) {
      case "square" -> { for (int i = 0; i < x.length; i++) x[i] *= x[i]; }
      case "add" -> { for (int i = 0; i < x.length; i++) x[i] += (float) op.get(1).asDouble(); }
      case "mul" -> { for (int i = 0; i < x.length; i++) x[i] *= (float) op.get(1).asDouble(); }
      case "add_tensor" -> addBroadcast(x, shape, read(op.get(1)), op.get(1));
      default -> throw op.get(0).mustBe("one of square, add, mul, add_tensor");
    }
  }

  private static void addBroadcast(float[] x, int[] shape, TensorSpec other, CaseNode from) {
    int leading = shape.length - other.shape.length;
    for (int axis = 0; axis < other.shape.length; axis++) {
      if (leading < 0 || other.shape[axis] != 1 && other.shape[axis] != shape[leading + axis]) {
        throw from.wrong("of shape " + Arrays.toString(other.shape) + " cannot be added to one of " + Arrays.toString(shape));
      }
    }
    for (int i = 0; i < x.length; i++) {
      int rest = i;
      int at = 0;
      int stride = 1;
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        int index = rest % shape[axis];
        rest /= shape[axis];
        int otherAxis = axis - (shape.length - other.shape.length);
        if (otherAxis < 0) continue;
        if (other.shape[otherAxis] > 1) at += index * stride;
        stride *= other.shape[otherAxis];
      }
      x[i] += other.values[at];
    }
  }

  static int[] ints(CaseNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) values[i] = array.get(i).asInt();
    return values;
  }

  private static int size(CaseNode node, int[] shape) {
    double size = 1;
    for (int n : shape) if (n < 0) throw node.wrong("has the shape " + Arrays.toString(shape) + "; sizes are 0 or more");
    for (int n : shape) size *= n;
    if (size > MOST) throw node.wrong("has the shape " + Arrays.toString(shape) + "; a case holds at most " + MOST + " values a tensor");
    return (int) size;
  }
}
