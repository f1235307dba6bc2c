package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The directory of a zip archive, with the place of each entry's bytes in the file, which java.util.zip does not tell. Only
 * what a PyTorch file needs: entries stored without compression, also beyond 4 GB.
 */
final class ZipDirectory {
  private static final int END = 0x06054b50;
  private static final int END64 = 0x06064b50;
  private static final int LOCATOR64 = 0x07064b50;
  private static final int CENTRAL = 0x02014b50;
  private static final int LOCAL = 0x04034b50;
  private static final long UNSET = 0xffffffffL;
  private static final int LARGEST_DIRECTORY = 256 << 20;

  /** Bytes of an entry: first byte in the file, and how many. */
  record Entry(long offset, long bytes) {}

  private final Path file;
  private final FileChannel channel;
  private final long size;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private ZipDirectory(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    this.size = channel.size();
  }

  static Map<String, Entry> read(Path file, FileChannel channel) throws IOException {
    ZipDirectory zip = new ZipDirectory(file, channel);
    zip.read();
    return zip.entries;
  }

  private void read() throws IOException {
    int tailLength = (int) Math.min(size, 22 + 65535 + 20);
    ByteBuffer tail = bytes(size - tailLength, tailLength);
    int end = tailLength - 22;
    while (end >= 0 && tail.getInt(end) != END) end--;
    if (end < 0) {
      throw broken("is no zip archive (or cut short): "
          + "only files that torch.save wrote since PyTorch 1.6 are supported; convert it to safetensors");
    }
    long length = tail.getInt(end + 12) & UNSET;
    long start = tail.getInt(end + 16) & UNSET;
    if (end >= 20 && tail.getInt(end - 20) == LOCATOR64) {
      ByteBuffer end64 = bytes(tail.getLong(end - 20 + 8), 56);
      if (end64.getInt(0) != END64) throw broken("has a damaged zip directory");
      length = end64.getLong(40);
      start = end64.getLong(48);
    }
    if (length < 0 || length > LARGEST_DIRECTORY) throw broken("has a zip directory of impossible size");
    ByteBuffer directory = bytes(start, (int) length);
    while (directory.remaining() >= 46) readEntry(directory);
  }

  private void readEntry(ByteBuffer in) throws IOException {
    int at = in.position();
    if (in.getInt(at) != CENTRAL) throw broken("has a damaged zip directory");
    int method = in.getShort(at + 10);
    long packed = in.getInt(at + 20) & UNSET;
    long bytes = in.getInt(at + 24) & UNSET;
    int nameLength = in.getShort(at + 28) & 0xffff;
    int extraLength = in.getShort(at + 30) & 0xffff;
    int commentLength = in.getShort(at + 32) & 0xffff;
    long header = in.getInt(at + 42) & UNSET;
    int next = at + 46 + nameLength + extraLength + commentLength;
    if (next > in.limit()) throw broken("has a damaged zip directory");
    byte[] nameBytes = new byte[nameLength];
    in.position(at + 46).get(nameBytes);
    String name = new String(nameBytes, StandardCharsets.UTF_8);
    int extra = at + 46 + nameLength;
    int extraEnd = extra + extraLength;
    while (extra + 4 <= extraEnd) {
      int id = in.getShort(extra) & 0xffff;
      int value = extra + 4;
      int valueEnd = value + (in.getShort(extra + 2) & 0xffff);
      if (valueEnd > extraEnd) break;
      if (id == 1) {
        // the 64-bit values that are unset above, in this order
        if (bytes == UNSET && value + 8 <= valueEnd) {
          bytes = in.getLong(value);
          value += 8;
        }
        if (packed == UNSET && value + 8 <= valueEnd) {
          packed = in.getLong(value);
          value += 8;
        }
        if (header == UNSET && value + 8 <= valueEnd) header = in.getLong(value);
      }
      extra = valueEnd;
    }
    in.position(next);
    if (method != 0 || packed != bytes) {
      throw broken("has the compressed entry " + name + ": not a file that torch.save wrote; convert it to safetensors");
    }
    ByteBuffer local = bytes(header, 30);
    if (local.getInt(0) != LOCAL) throw broken("has no entry where its zip directory says " + name);
    long offset = header + 30 + (local.getShort(26) & 0xffff) + (local.getShort(28) & 0xffff);
    if (bytes < 0 || bytes > size - offset) throw broken("is cut short within entry " + name);
    if (entries.put(name, new Entry(offset, bytes)) != null) throw broken("has two entries " + name);
  }

  private ByteBuffer bytes(long offset, int length) throws IOException {
    if (offset < 0 || offset > size - length) throw broken("is cut short or has a damaged zip directory");
    ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, offset + buffer.position()) < 0) throw broken("is cut short");
    }
    return buffer.flip();
  }

  private InvalidInputException broken(String what) { return new InvalidInputException(file + " " + what); }
}
