package dev.winnow.vision;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.zip.CRC32;

/** Files under tests/data and how their expectations are written. */
final class Fixtures {
  static final Path DATA = Path.of(System.getProperty("winnow.basedir", "."), "tests", "data");
  static final Path PARITY = DATA.resolve("parity");

  private Fixtures() {}

  static JsonNode json(Path file) {
    try {
      return new ObjectMapper().readTree(file.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
