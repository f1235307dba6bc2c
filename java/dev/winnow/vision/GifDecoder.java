package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import java.util.Arrays;

/**
 * Decodes the first frame of a GIF (87a, 89a) to RGB as Pillow shows it: colours from the frame's palette or the common one, transparency
 * dropped. A first frame that leaves part of the canvas bare is refused, because readers disagree about what shows there.
 */
final class GifDecoder {
  private static final int MAX_CODES = 4096;

  private final byte[] data;
  private final String name;
  private int at;

  private GifDecoder(byte[] data, String name) {
    this.data = data;
    this.name = name;
  }

  static RgbImage decode(byte[] data, String name) { return new GifDecoder(data, name).decode(); }

  private RgbImage decode() {
    at = 6;
    int width = int16();
    int height = int16();
    int flags = int8();
    at += 2; // background colour, aspect ratio
    byte[] palette = (flags & 0x80) != 0 ? palette(flags) : greyRamp();
    while (true) {
      int block = int8();
      if (block == 0x21) {
        at++; // label
        skipBlocks();
      } else if (block == 0x2c) {
        int left = int16();
        int top = int16();
        int w = int16();
        int h = int16();
        if (left != 0 || top != 0 || w != width || h != height) {
          throw new InvalidInputException(name + ": the first frame of this GIF does not cover its canvas; convert that frame to PNG");
        }
        int frameFlags = int8();
        if ((frameFlags & 0x80) != 0) palette = palette(frameFlags);
        byte[] indices = new byte[width * height];
        readIndices(indices);
        return new RgbImage(width, height, colours(indices, width, height, palette, (frameFlags & 0x40) != 0));
      } else {
        throw damaged("it holds no frame");
      }
    }
  }

  /** LZW with codes of growing width, in sub-blocks of up to 255 bytes. */
  private void readIndices(byte[] out) {
    int minBits = int8();
    if (minBits < 1 || minBits > 8) throw damaged("its code size of " + minBits + " bits does not exist");
    int clear = 1 << minBits;
    short[] prefix = new short[MAX_CODES];
    byte[] suffix = new byte[MAX_CODES];
    byte[] stack = new byte[MAX_CODES + 1];
    for (int i = 0; i < clear; i++) suffix[i] = (byte) i;
    int next = clear + 2;
    int bits = minBits + 1;
    int previous = -1;
    byte first = 0;
    int buffer = 0;
    int held = 0;
    int block = 0;
    int done = 0;
    while (done < out.length) {
      while (held < bits) {
        if (block == 0 && (block = int8()) == 0) throw damaged("its pixels end early");
        buffer |= int8() << held;
        held += 8;
        block--;
      }
      int code = buffer & (1 << bits) - 1;
      buffer >>>= bits;
      held -= bits;
      if (code == clear) {
        next = clear + 2;
        bits = minBits + 1;
        previous = -1;
        continue;
      }
      if (code == clear + 1) throw damaged("its pixels end early");
      if (code > next || code == next && previous < 0 || previous < 0 && code > clear) throw damaged("its compressed pixels are corrupt");
      int depth = 0;
      int walk = code;
      if (code == next) {
        stack[depth++] = first;
        walk = previous;
      }
      while (walk > clear) {
        stack[depth++] = suffix[walk];
        walk = prefix[walk];
      }
      first = suffix[walk];
      stack[depth++] = first;
      while (depth > 0 && done < out.length) out[done++] = stack[--depth];
      if (previous >= 0 && next < MAX_CODES) {
        prefix[next] = (short) previous;
        suffix[next++] = first;
        if (next == 1 << bits && bits < 12) bits++;
      }
      previous = code;
    }
  }

  private static byte[] colours(byte[] indices, int width, int height, byte[] palette, boolean interlaced) {
    byte[] rgb = new byte[width * height * 3];
    int row = 0;
    // interlaced rows come in four passes: every 8th from 0, every 8th from 4, every 4th from 2, every 2nd from 1
    int[] starts = interlaced ? new int[] {0, 4, 2, 1} : new int[] {0};
    int[] steps = interlaced ? new int[] {8, 8, 4, 2} : new int[] {1};
    for (int pass = 0; pass < starts.length; pass++) {
      for (int y = starts[pass]; y < height; y += steps[pass], row++) {
        for (int x = 0; x < width; x++) {
          int index = indices[row * width + x] & 255;
          int out = (y * width + x) * 3;
          for (int c = 0; c < 3; c++) rgb[out + c] = palette[index * 3 + c];
        }
      }
    }
    return rgb;
  }

  private byte[] palette(int flags) {
    int length = 3 << (flags & 7) + 1;
    if (at + length > data.length) throw damaged("it is cut off in its palette");
    // black where an index has no entry, as in Pillow
    byte[] palette = Arrays.copyOf(Arrays.copyOfRange(data, at, at + length), 768);
    at += length;
    return palette;
  }

  private static byte[] greyRamp() {
    byte[] palette = new byte[768];
    for (int i = 0; i < 768; i++) palette[i] = (byte) (i / 3);
    return palette;
  }

  private void skipBlocks() {
    for (int n = int8(); n > 0; n = int8()) at += n;
  }

  private int int8() {
    if (at >= data.length) throw damaged("it is cut off after " + data.length + " bytes");
    return data[at++] & 255;
  }

  private int int16() { return int8() | int8() << 8; }

  private InvalidInputException damaged(String cause) { return ImageHeader.damaged(name, "GIF", cause); }
}
