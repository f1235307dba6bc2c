package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Decodes PNG (ISO/IEC 15948) to RGB with Pillow's rules. Written out rather than left to ImageIO because that one scales or gamma-corrects
 * some sample depths, fails on broken ancillary chunks that every viewer ignores, and does not check checksums.
 */
final class PngDecoder {
  /** Adam7: first column, first row, column step, row step of each pass. */
  private static final int[][] ADAM7 = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  private static final int[][] WHOLE = {{0, 0, 1, 1}};

  private final byte[] data;
  private final String name;
  private int width;
  private int height;
  private int depth;
  private int colourType;
  private boolean interlaced;
  /** Black where an index has no entry, as in Pillow. */
  private final byte[] palette = new byte[768];
  private int paletteSize;
  private byte[] rgb;
  /** Where the next chunk begins. */
  private int chunkAt = 8;

  private PngDecoder(byte[] data, String name) {
    this.data = data;
    this.name = name;
  }

  static RgbImage decode(byte[] data, String name) { return new PngDecoder(data, name).decode(); }

  private RgbImage decode() {
    readHeader();
    rgb = new byte[width * height * 3];
    Inflater inflater = new Inflater();
    try {
      if (!feed(inflater)) throw damaged("it holds no pixels");
      for (int[] pass : interlaced ? ADAM7 : WHOLE) readPass(inflater, pass);
    } catch (DataFormatException e) {
      throw damaged("its compressed pixels are corrupt");
    } finally {
      inflater.end();
    }
    return new RgbImage(width, height, rgb);
  }

  private void readHeader() {
    int length = openChunk();
    if (length != 13) throw damaged("its header has a wrong length");
    width = ImageHeader.int32(data, 16);
    height = ImageHeader.int32(data, 20);
    depth = data[24];
    colourType = data[25];
    boolean known = switch (colourType) {
      case 0 -> depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
      case 3 -> depth == 1 || depth == 2 || depth == 4 || depth == 8;
      case 2, 4, 6 -> depth == 8 || depth == 16;
      default -> false;
    };
    if (!known) throw damaged("colour type " + colourType + " with " + depth + " bits does not exist");
    if (data[26] != 0 || data[27] != 0 || data[28] < 0 || data[28] > 1) throw damaged("its header names an unknown coding");
    interlaced = data[28] == 1;
  }

  /** Checks the chunk at {@link #chunkAt} and moves past it; returns its payload length. The payload ends 4 bytes before the new place. */
  private int openChunk() {
    if (chunkAt > data.length - 12) throw damaged("it is cut off after " + data.length + " bytes");
    int length = ImageHeader.int32(data, chunkAt);
    if (length < 0 || length > data.length - chunkAt - 12) throw damaged("it is cut off after " + data.length + " bytes");
    boolean critical = (data[chunkAt + 4] & 32) == 0;
    if (critical) {
      CRC32 crc = new CRC32();
      crc.update(data, chunkAt + 4, length + 4);
      if ((int) crc.getValue() != ImageHeader.int32(data, chunkAt + 8 + length)) throw damaged("the checksum of a chunk is wrong");
    }
    chunkAt += length + 12;
    return length;
  }

  /** Gives the inflater the next IDAT payload, reading a palette on the way; false at the end of the picture. */
  private boolean feed(Inflater inflater) {
    while (true) {
      int type = chunkAt <= data.length - 8 ? ImageHeader.int32(data, chunkAt + 4) : 0;
      int length = openChunk();
      int payload = chunkAt - 4 - length;
      switch (type) {
        case 0x49444154 -> { // IDAT
          if (colourType == 3 && paletteSize == 0) throw damaged("its palette is missing");
          if (length > 0) {
            inflater.setInput(data, payload, length);
            return true;
          }
        }
        case 0x504c5445 -> readPalette(payload, length); // PLTE
        case 0x49454e44 -> { return false; } // IEND
        default -> {
          if ((type >>> 24 & 32) == 0) throw damaged("it holds an unknown critical chunk");
        }
      }
    }
  }

  private void readPalette(int at, int length) {
    if (length == 0 || length % 3 != 0 || length > 768) throw damaged("its palette has a wrong length");
    System.arraycopy(data, at, palette, 0, length);
    paletteSize = length / 3;
  }

  private void readPass(Inflater inflater, int[] pass) throws DataFormatException {
    int columns = (width - pass[0] + pass[2] - 1) / pass[2];
    int rows = (height - pass[1] + pass[3] - 1) / pass[3];
    if (columns <= 0 || rows <= 0) return;
    int bitsPerPixel = depth * switch (colourType) {
      case 2 -> 3;
      case 4 -> 2;
      case 6 -> 4;
      default -> 1;
    };
    int bytesPerPixel = Math.max(1, bitsPerPixel / 8);
    int rowBytes = (int) (((long) columns * bitsPerPixel + 7) / 8);
    byte[] previous = new byte[rowBytes + 1];
    byte[] row = new byte[rowBytes + 1];
    for (int y = 0; y < rows; y++) {
      inflate(inflater, row);
      unfilter(row, previous, bytesPerPixel);
      int out = ((pass[1] + y * pass[3]) * width + pass[0]) * 3;
      for (int x = 0; x < columns; x++, out += pass[2] * 3) putPixel(row, x, out);
      byte[] swap = previous;
      previous = row;
      row = swap;
    }
  }

  private void inflate(Inflater inflater, byte[] row) throws DataFormatException {
    for (int done = 0; done < row.length; ) {
      int n = inflater.inflate(row, done, row.length - done);
      done += n;
      if (n == 0 && (inflater.finished() || inflater.needsDictionary() || !feed(inflater))) throw damaged("its pixels end early");
    }
  }

  /** Undoes the row's filter in place; byte 0 is the filter type, the samples follow. */
  private void unfilter(byte[] row, byte[] above, int bpp) {
    int n = row.length;
    switch (row[0]) {
      case 0 -> { }
      case 1 -> { for (int i = 1 + bpp; i < n; i++) row[i] += row[i - bpp]; }
      case 2 -> { for (int i = 1; i < n; i++) row[i] += above[i]; }
      case 3 -> {
        for (int i = 1; i < n; i++) row[i] += (byte) (((i > bpp ? row[i - bpp] & 255 : 0) + (above[i] & 255)) / 2);
      }
      case 4 -> {
        for (int i = 1; i < n; i++) {
          int a = i > bpp ? row[i - bpp] & 255 : 0;
          int b = above[i] & 255;
          int c = i > bpp ? above[i - bpp] & 255 : 0;
          int pa = Math.abs(b - c);
          int pb = Math.abs(a - c);
          int pc = Math.abs(a + b - 2 * c);
          row[i] += (byte) (pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
        }
      }
      default -> throw damaged("a row has an unknown filter");
    }
  }

  private void putPixel(byte[] row, int x, int out) {
    int wide = depth == 16 ? 2 : 1;
    switch (colourType) {
      case 2, 6 -> {
        int at = 1 + x * (colourType == 2 ? 3 : 4) * wide;
        rgb[out] = row[at];
        rgb[out + 1] = row[at + wide];
        rgb[out + 2] = row[at + 2 * wide];
      }
      case 3 -> System.arraycopy(palette, packed(row, x) * 3, rgb, out, 3);
      case 4 -> grey(out, row[1 + x * 2 * wide]);
      default -> {
        if (depth == 16) grey(out, row[1 + 2 * x] != 0 ? -1 : row[2 + 2 * x]);
        else grey(out, packed(row, x) * (255 / ((1 << depth) - 1)));
      }
    }
  }

  private void grey(int out, int value) { rgb[out] = rgb[out + 1] = rgb[out + 2] = (byte) value; }

  /** Sample x of a row of {@link #depth}-bit samples, first in the high bits. */
  private int packed(byte[] row, int x) {
    int bit = x * depth;
    return (row[1 + (bit >> 3)] & 255) >> 8 - depth - (bit & 7) & (1 << depth) - 1;
  }

  private InvalidInputException damaged(String cause) { return ImageHeader.damaged(name, "PNG", cause); }
}
