package dev.winnow.vision;

import dev.winnow.WinnowException;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import java.util.concurrent.atomic.AtomicReference;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** Decodes JPEG to RGB: ImageIO's libjpeg gives the samples, as Pillow's does, and CMYK is converted here by Pillow's formula. */
final class JpegDecoder {
  private JpegDecoder() {}

  static RgbImage decode(byte[] data, String name) {
    JpegStream jpeg = JpegStream.parse(data, name);
    javax.imageio.ImageReader reader = jdkReader();
    AtomicReference<String> warning = new AtomicReference<>();
    try (MemoryCacheImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(jpeg.plain()))) {
      reader.addIIOReadWarningListener((source, text) -> {
        // surplus bytes after the last pixel, which some cameras write, harm nothing
        if (!text.contains("extraneous bytes")) warning.set(text);
      });
      reader.setInput(in, true, true);
      Raster samples = jpeg.components() == 4 ? reader.readRaster(0, null) : reader.read(0).getRaster();
      // libjpeg paints grey over what is missing or unreadable and only warns
      if (warning.get() != null) throw ImageHeader.damaged(name, "JPEG", "it is cut off or its pixels are corrupt");
      return new RgbImage(jpeg.width(), jpeg.height(), rgb(samples, jpeg));
    } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException | NegativeArraySizeException e) {
      throw ImageHeader.damaged(name, "JPEG", "it cannot be decoded");
    } finally {
      reader.dispose();
    }
  }

  /** The JDK's own reader: others on the class path decode differently. */
  private static javax.imageio.ImageReader jdkReader() {
    Iterator<javax.imageio.ImageReader> readers = ImageIO.getImageReadersByFormatName("jpeg");
    while (readers.hasNext()) {
      javax.imageio.ImageReader reader = readers.next();
      if (reader.getClass().getName().startsWith("com.sun.imageio.")) return reader;
      reader.dispose();
    }
    throw new WinnowException("this Java runtime has no JPEG decoder; use one with the module java.desktop or convert the picture to PNG");
  }

  private static byte[] rgb(Raster samples, JpegStream jpeg) {
    int width = jpeg.width();
    int bands = jpeg.components();
    byte[] rgb = new byte[width * jpeg.height() * 3];
    int[] row = new int[width * bands];
    for (int y = 0, out = 0; y < jpeg.height(); y++) {
      samples.getPixels(0, y, width, 1, row);
      for (int x = 0; x < width; x++, out += 3) {
        int at = x * bands;
        if (bands == 1) {
          rgb[out] = rgb[out + 1] = rgb[out + 2] = (byte) row[at];
        } else if (bands == 3) {
          for (int c = 0; c < 3; c++) rgb[out + c] = (byte) row[at + c];
        } else {
          if (jpeg.lumaChroma()) inkFromLumaChroma(row, at);
          // Pillow takes every CMYK JPEG for inverted: 255 is no ink, so the samples are already 255 - ink
          int light = row[at + 3];
          for (int c = 0; c < 3; c++) rgb[out + c] = (byte) clamp(light - divide255((255 - row[at + c]) * light));
        }
      }
    }
    return rgb;
  }

  /** YCCK to CMYK, in place: libjpeg's YCbCr to RGB in 16-bit fixed point, and 255 minus that. */
  private static void inkFromLumaChroma(int[] row, int at) {
    int luma = row[at];
    int cb = row[at + 1] - 128;
    int cr = row[at + 2] - 128;
    row[at] = clamp(255 - (luma + (91881 * cr + 32768 >> 16)));
    row[at + 1] = clamp(255 - (luma + (-22554 * cb - 46802 * cr + 32768 >> 16)));
    row[at + 2] = clamp(255 - (luma + (116130 * cb + 32768 >> 16)));
  }

  /** v / 255 rounded, for 0 <= v <= 65025, as Pillow computes it. */
  private static int divide255(int v) {
    int t = v + 128;
    return (t >> 8) + t >> 8;
  }

  private static int clamp(int v) { return v < 0 ? 0 : Math.min(v, 255); }
}
