package dev.winnow.vision;

import java.util.Arrays;

/**
 * The orientation that a camera noted (Exif tag 0x0112) and how to undo it.
 *
 * @param code 1..8 as in the Exif standard; 1 is upright
 */
record ExifOrientation(int code) {
  private static final int TAG = 0x0112;
  private static final int PNG_EXIF = 0x65584966;

  /** The orientation noted in a file; upright where none is noted or the note cannot be read. */
  static ExifOrientation of(byte[] data, String format) {
    return switch (format) {
      case "JPEG" -> ofTiff(JpegStream.parse(data, "picture").exif());
      case "PNG" -> ofTiff(pngExif(data));
      default -> new ExifOrientation(1);
    };
  }

  private static byte[] pngExif(byte[] data) {
    for (int at = 8; at <= data.length - 12; ) {
      int length = ImageHeader.int32(data, at);
      if (length < 0 || length > data.length - at - 12) break;
      if (ImageHeader.int32(data, at + 4) == PNG_EXIF) return Arrays.copyOfRange(data, at + 8, at + 8 + length);
      at += length + 12;
    }
    return new byte[0];
  }

  /** Reads the first directory of a TIFF structure. */
  static ExifOrientation ofTiff(byte[] tiff) {
    ExifOrientation upright = new ExifOrientation(1);
    if (tiff.length < 14 || tiff[0] != tiff[1] || tiff[0] != 'I' && tiff[0] != 'M') return upright;
    boolean little = tiff[0] == 'I';
    long directory = number(tiff, 4, 4, little);
    if (directory < 8 || directory > tiff.length - 2) return upright;
    long entries = number(tiff, (int) directory, 2, little);
    for (long i = 0; i < entries; i++) {
      long at = directory + 2 + 12 * i;
      if (at + 12 > tiff.length) return upright;
      if (number(tiff, (int) at, 2, little) != TAG) continue;
      int code = (int) number(tiff, (int) at + 8, 2, little);
      return code >= 1 && code <= 8 ? new ExifOrientation(code) : upright;
    }
    return upright;
  }

  private static long number(byte[] data, int at, int bytes, boolean little) {
    long value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | data[at + (little ? bytes - 1 - i : i)] & 255;
    return value;
  }

  /** The picture turned and mirrored so that it stands upright. */
  RgbImage apply(RgbImage image) {
    if (code == 1) return image;
    boolean swapped = code >= 5;
    int w = image.width();
    int h = image.height();
    int outW = swapped ? h : w;
    int outH = swapped ? w : h;
    byte[] rgb = new byte[image.rgb().length];
    for (int y = 0, out = 0; y < outH; y++) {
      for (int x = 0; x < outW; x++, out += 3) {
        int sx = switch (code) {
          case 2, 3 -> w - 1 - x;
          case 4 -> x;
          case 5, 6 -> y;
          default -> w - 1 - y;
        };
        int sy = switch (code) {
          case 2 -> y;
          case 3, 4 -> h - 1 - y;
          case 5, 8 -> x;
          default -> h - 1 - x;
        };
        System.arraycopy(image.rgb(), (sy * w + sx) * 3, rgb, out, 3);
      }
    }
    return new RgbImage(outW, outH, rgb);
  }
}
