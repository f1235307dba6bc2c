package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/**
 * The markers of a JPEG file, and the file as it is handed to ImageIO: without profiles, thumbnails and comments (broken ones make ImageIO
 * fail, intact ones make it convert colours) and with an explicit statement of how colours are coded, decided by libjpeg's rules, which
 * differ from ImageIO's.
 *
 * @param components 1 grey, 3 colour, 4 CMYK
 * @param lumaChroma whether the first three components are YCbCr rather than RGB or CMY
 * @param exif the TIFF structure of the Exif segment, empty if there is none
 * @param plain the stream for the decoder
 */
record JpegStream(int width, int height, int components, boolean lumaChroma, byte[] exif, byte[] plain) {
  /** More scans than any encoder writes: a progressive file with thousands costs minutes to decode. */
  private static final int MAX_SCANS = 256;

  static JpegStream parse(byte[] data, String name) { return new Parser(data, name).parse(); }

  private static final class Parser {
    private final byte[] data;
    private final String name;
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
    private int width;
    private int height;
    private int components;
    private int componentIds;
    private boolean jfif;
    private int adobeTransform = -1;
    private byte[] exif = {};
    private int scans;
    private boolean ended;

    Parser(byte[] data, String name) {
      this.data = data;
      this.name = name;
    }

    JpegStream parse() {
      int at = 2;
      while (true) {
        while (at < data.length && data[at] != -1) at++; // stray bytes, which libjpeg skips too
        while (at < data.length && data[at] == -1) at++;
        if (at >= data.length) break;
        int marker = data[at++] & 255;
        ended = marker == 0xd9;
        if (ended) break;
        if (marker == 0 || marker == 1 || marker >= 0xd0 && marker <= 0xd8) continue;
        int length = at + 2 <= data.length ? int16(at) : 0;
        if (length < 2 || at + length > data.length) throw damaged("it is cut off or its segments overlap");
        segment(marker, at + 2, length - 2);
        int end = at + length;
        if (marker == 0xda) end = endOfScan(end);
        if (marker < 0xe0 || marker > 0xef && marker != 0xfe) {
          kept.write(0xff);
          kept.write(marker);
          kept.write(data, at, end - at);
        }
        at = end;
      }
      if (!ended) throw damaged("it is cut off after " + data.length + " bytes");
      if (components == 0) throw damaged("it names no size");
      if (scans == 0) throw damaged("it holds no pixels");
      boolean lumaChroma = lumaChroma();
      return new JpegStream(width, height, components, lumaChroma, exif, plain(lumaChroma));
    }

    private void segment(int marker, int at, int length) {
      switch (marker) {
        case 0xc0, 0xc1, 0xc2 -> frame(at, length);
        case 0xc3, 0xc5, 0xc6, 0xc7, 0xcb, 0xcd, 0xce, 0xcf -> throw unsupported("lossless or hierarchical JPEG");
        case 0xc9, 0xca -> throw unsupported("JPEG with arithmetic coding");
        case 0xda -> {
          if (components == 0) throw damaged("pixels come before its size");
          if (++scans > MAX_SCANS) throw damaged("it holds more than " + MAX_SCANS + " scans");
        }
        case 0xe0 -> jfif |= begins(at, length, "JFIF\0");
        case 0xe1 -> {
          if (exif.length == 0 && begins(at, length, "Exif\0\0")) exif = Arrays.copyOfRange(data, at + 6, at + length);
        }
        case 0xee -> {
          if (length >= 12 && begins(at, length, "Adobe")) adobeTransform = data[at + 11] & 255;
        }
        default -> { }
      }
    }

    private void frame(int at, int length) {
      if (components != 0) throw damaged("it names its size twice");
      if (length < 6) throw damaged("its size is cut off");
      if (data[at] != 8) throw unsupported("JPEG with " + data[at] + " bits a sample");
      height = int16(at + 1);
      width = int16(at + 3);
      components = data[at + 5] & 255;
      if (components != 1 && components != 3 && components != 4) throw damaged("it has " + components + " colour components");
      if (length < 6 + 3 * components) throw damaged("its size is cut off");
      for (int i = 0; i < components; i++) componentIds = componentIds << 8 | data[at + 6 + 3 * i] & 255;
    }

    /** The rules of libjpeg's default_decompress_parms. */
    private boolean lumaChroma() {
      if (components == 1) return false;
      if (components == 4) return adobeTransform > 0;
      if (jfif) return true;
      if (adobeTransform >= 0) return adobeTransform != 0;
      return componentIds != ('R' << 16 | 'G' << 8 | 'B');
    }

    private byte[] plain(boolean lumaChroma) {
      ByteArrayOutputStream out = new ByteArrayOutputStream(kept.size() + 24);
      out.writeBytes(new byte[] {-1, (byte) 0xd8});
      // four components are read raw and converted here, so they are declared as CMYK whatever they are
      int transform = components == 3 && lumaChroma ? 1 : 0;
      byte[] adobe = {-1, (byte) 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, (byte) transform};
      if (components > 1) out.writeBytes(adobe);
      out.writeBytes(kept.toByteArray());
      out.writeBytes(new byte[] {-1, (byte) 0xd9});
      return out.toByteArray();
    }

    private int endOfScan(int at) {
      for (; at < data.length - 1; at++) {
        if (data[at] != -1) continue;
        int next = data[at + 1] & 255;
        if (next != 0 && next != 0xff && (next < 0xd0 || next > 0xd7)) return at;
      }
      return data.length;
    }

    private boolean begins(int at, int length, String text) {
      if (length < text.length()) return false;
      for (int i = 0; i < text.length(); i++) if (data[at + i] != text.charAt(i)) return false;
      return true;
    }

    private int int16(int at) { return (data[at] & 255) << 8 | data[at + 1] & 255; }

    private InvalidInputException unsupported(String what) {
      return new InvalidInputException(name + ": " + what + " is not supported; convert the picture to PNG");
    }

    private InvalidInputException damaged(String cause) { return ImageHeader.damaged(name, "JPEG", cause); }
  }
}
