package dev.winnow.conform;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import dev.winnow.kernels.SplitMix;
import java.util.Arrays;
import java.util.List;

/**
 * Tensor descriptors of the golden files: a generator, operations from left to right, then overwritten ranges.
 *
 * @param values row-major
 */
public record TensorSpec(int[] shape, float[] values) {
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

  public static TensorSpec read(JsonNode node) {
    TensorSpec base = generate(node);
    float[] x = base.values.clone();
    for (JsonNode op : node.path("ops")) apply(op, x, base.shape);
    for (JsonNode range : node.path("set")) {
      int from = range.path("from").asInt(-1);
      int to = range.path("to").asInt(-1);
      if (from < 0 || to < from || to > x.length) {
        throw new InvalidInputException("a tensor descriptor sets " + range + " of " + x.length + " values");
      }
      Arrays.fill(x, from, to, (float) range.path("value").asDouble());
    }
    return new TensorSpec(base.shape, x);
  }

  public int rows() { return shape[0]; }

  private static TensorSpec generate(JsonNode node) {
    String generator = node.path("gen").asText();
    if (!node.has("shape") && !List.of("stack", "window_blend").contains(generator)) {
      throw new InvalidInputException("a tensor descriptor with the generator '" + generator + "' has no shape");
    }
    int[] shape = ints(node.path("shape"));
    if (generator.equals("literal") && node.path("values").size() != size(shape)) {
      throw new InvalidInputException("a literal tensor of shape " + node.path("shape") + " has " + node.path("values").size() + " values");
    }
    float[] x = new float[size(shape)];
    switch (generator) {
      case "splitmix64" -> { for (int i = 0; i < x.length; i++) x[i] = SplitMix.uniform(node.get("seed").asLong(), i); }
      case "hash32" -> { for (int i = 0; i < x.length; i++) x[i] = hash32(node.get("id").asLong(), i, node.get("scale").asDouble()); }
      case "constant" -> Arrays.fill(x, (float) node.get("value").asDouble());
      case "literal" -> { for (int i = 0; i < x.length; i++) x[i] = (float) node.get("values").get(i).asDouble(); }
      case "stack" -> { return stack(node.get("parts")); }
      case "formula" -> Formulas.fill(node, shape, x);
      case "window_blend" -> { return Formulas.windowBlend(node); }
      default -> throw new InvalidInputException("unknown generator '" + generator + "' in a tensor descriptor");
    }
    return new TensorSpec(shape, x);
  }

  private static TensorSpec stack(JsonNode parts) {
    TensorSpec[] read = new TensorSpec[parts.size()];
    for (int i = 0; i < read.length; i++) read[i] = read(parts.get(i));
    int[] shape = new int[read[0].shape.length + 1];
    shape[0] = read.length;
    System.arraycopy(read[0].shape, 0, shape, 1, shape.length - 1);
    float[] x = new float[size(shape)];
    for (int i = 0; i < read.length; i++) System.arraycopy(read[i].values, 0, x, i * read[i].values.length, read[i].values.length);
    return new TensorSpec(shape, x);
  }

  private static void apply(JsonNode op, float[] x, int[] shape) {
    switch (op.get(0).asText()) {
      case "square" -> { for (int i = 0; i < x.length; i++) x[i] *= x[i]; }
      case "add" -> { for (int i = 0; i < x.length; i++) x[i] += (float) op.get(1).asDouble(); }
      case "mul" -> { for (int i = 0; i < x.length; i++) x[i] *= (float) op.get(1).asDouble(); }
      case "add_tensor" -> addBroadcast(x, shape, read(op.get(1)));
      default -> throw new InvalidInputException("unknown operation '" + op.get(0).asText() + "' in a tensor descriptor");
    }
  }

  private static void addBroadcast(float[] x, int[] shape, TensorSpec other) {
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

  static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) values[i] = array.get(i).asInt();
    return values;
  }

  private static int size(int[] shape) {
    long size = 1;
    for (int n : shape) if (n < 0) throw new InvalidInputException("a tensor descriptor has the shape " + Arrays.toString(shape));
    for (int n : shape) size = Math.multiplyExact(size, n);
    return Math.toIntExact(size);
  }
}
