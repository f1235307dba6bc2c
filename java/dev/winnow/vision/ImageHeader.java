package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * What the first bytes of a picture file say, read before anything is decoded.
 *
 * @param format "PNG", "JPEG" or "GIF"
 * @param width pixels in a row, before any rotation
 * @param height rows, before any rotation
 */
public record ImageHeader(String format, int width, int height) {

  /**
   * Recognises the format by its content, whatever the file is called, and reads the size.
   *
   * @param name what to call the picture in messages
   * @throws InvalidInputException if this is no picture, a format that is not supported, or a header that is cut off
   */
  static ImageHeader of(byte[] data, String name) {
    if (data.length == 0) throw new InvalidInputException(name + ": the file is empty; give a PNG, JPEG or GIF picture");
    if (begins(data, 0, "\u0089PNG\r\n\u001a\n")) {
      if (data.length < 33 || !begins(data, 12, "IHDR")) throw damaged(name, "PNG", "its header is cut off or missing");
      return new ImageHeader("PNG", int32(data, 16), int32(data, 20));
    }
    if (begins(data, 0, "\u00ff\u00d8\u00ff")) {
      JpegStream jpeg = JpegStream.parse(data, name);
      return new ImageHeader("JPEG", jpeg.width(), jpeg.height());
    }
    if (begins(data, 0, "GIF87a") || begins(data, 0, "GIF89a")) {
      if (data.length < 13) throw damaged(name, "GIF", "its header is cut off");
      return new ImageHeader("GIF", data[6] & 255 | (data[7] & 255) << 8, data[8] & 255 | (data[9] & 255) << 8);
    }
    String other = otherFormat(data);
    if (other != null) throw new InvalidInputException(name + ": " + other + " is not supported; convert the picture to PNG or JPEG");
    throw new InvalidInputException(name + ": the content is no PNG, JPEG or GIF picture; check the file or convert it to PNG");
  }

  /** The exception for a picture whose content breaks the rules of its format. */
  static InvalidInputException damaged(String name, String format, String cause) {
    return new InvalidInputException(name + ": damaged " + format + " picture, " + cause + "; get a whole copy of the file");
  }

  private static String otherFormat(byte[] data) {
    if (begins(data, 0, "RIFF") && begins(data, 8, "WEBP")) return "WebP";
    if (begins(data, 0, "BM")) return "BMP";
    if (begins(data, 0, "II*\0") || begins(data, 0, "MM\0*")) return "TIFF";
    if (begins(data, 4, "ftyp")) {
      String brand = data.length >= 12 ? new String(data, 8, 4, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT) : "";
      if (brand.startsWith("avi")) return "AVIF";
      return brand.startsWith("he") || brand.startsWith("mi") ? "HEIF" : "a video or ISO media file";
    }
    if (begins(data, 4, "jP  ") || begins(data, 0, "\u00ff\u004f\u00ff\u0051")) return "JPEG 2000";
    if (begins(data, 4, "JXL ") || begins(data, 0, "\u00ff\n")) return "JPEG XL";
    if (begins(data, 0, "8BPS")) return "Photoshop PSD";
    if (begins(data, 0, "\0\0\u0001\0")) return "ICO";
    if (begins(data, 0, "%PDF")) return "PDF";
    if (begins(data, 0, "<svg") || begins(data, 0, "<?xml")) return "SVG";
    if (data[0] == 'P' && data.length > 2 && data[1] >= '1' && data[1] <= '7' && data[2] <= ' ') return "PNM";
    return null;
  }

  private static boolean begins(byte[] data, int at, String latin1) {
    if (data.length < at + latin1.length()) return false;
    for (int i = 0; i < latin1.length(); i++) if ((data[at + i] & 255) != latin1.charAt(i)) return false;
    return true;
  }

  static int int32(byte[] data, int at) {
    return data[at] << 24 | (data[at + 1] & 255) << 16 | (data[at + 2] & 255) << 8 | data[at + 3] & 255;
  }
}
