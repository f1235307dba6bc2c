package dev.winnow.vision;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.TestData;
import dev.winnow.kernels.Tensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.zip.CRC32;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** Files under tests/data and how their expectations are written. */
final class Fixtures {
  static final Path DATA = TestData.path("");
  static final Path PARITY = DATA.resolve("parity");

  private Fixtures() {}

  static JsonNode json(Path file) {
    try {
      return new ObjectMapper().readTree(file.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A float32 tensor of a safetensors file, row-major; null if there is none of that name. */
  static float[] stored(Path file, String name) {
    try {
      ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      int header = (int) all.getLong(0);
      JsonNode entry = new ObjectMapper().readTree(all.array(), 8, header).get(name);
      if (entry == null) return null;
      int begin = entry.get("data_offsets").get(0).asInt();
      float[] values = new float[(entry.get("data_offsets").get(1).asInt() - begin) / 4];
      all.position(8 + header + begin).slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
      return values;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All values of a tensor in row-major order, as float32. */
  static float[] floats(Tensor tensor) {
    try (PointerScope scope = new PointerScope()) {
      return Tensors.toFloats(tensor);
    }
  }

  /** Asserts a summary of the goldens: size, sum, sum of squares, some values within {@code absolute + relative * magnitude}. */
  static void assertSummary(JsonNode golden, float[] values, double absolute, double relative) {
    double sum = 0;
    double squares = 0;
    for (float v : values) {
      sum += v;
      squares += (double) v * v;
    }
    int size = golden.has("shape") ? 1 : values.length;
    for (JsonNode n : golden.path("shape")) size *= n.asInt();
    assertEquals(size, values.length);
    for (int i = 0; i < golden.path("index").size(); i++) {
      double expected = golden.get("value").get(i).asDouble();
      assertEquals(expected, values[golden.get("index").get(i).asInt()], absolute + relative * Math.abs(expected));
    }
    double expectedSquares = golden.get("sumsq").asDouble();
    assertEquals(golden.get("sum").asDouble(), sum, 1e-6 + (absolute + relative) * Math.sqrt(values.length * expectedSquares));
    assertEquals(expectedSquares, squares, 1e-6 + (absolute + relative) * expectedSquares);
  }

  /** The crc32 of a picture's interleaved RGB bytes, as the expectations write it. */
  static String crc(RgbImage image) {
    CRC32 crc = new CRC32();
    crc.update(image.rgb());
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  /** The test picture of the field cases: pixel(x, y) = (255x/(w-1), 255y/(h-1), (7x+13y) mod 256). */
  static RgbImage gradient(int width, int height) {
    byte[] rgb = new byte[width * height * 3];
    for (int y = 0, i = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        rgb[i++] = (byte) (x * 255 / Math.max(1, width - 1));
        rgb[i++] = (byte) (y * 255 / Math.max(1, height - 1));
        rgb[i++] = (byte) (7 * x + 13 * y);
      }
    }
    return new RgbImage(width, height, rgb);
  }
}
