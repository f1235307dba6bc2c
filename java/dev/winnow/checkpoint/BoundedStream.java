package dev.winnow.checkpoint;

import java.io.IOException;
import java.io.InputStream;

/** The next {@code left} bytes of another stream. Closing it leaves the other stream open: its owner closes it. */
final class BoundedStream extends InputStream {
  private final InputStream source;
  private long left;

  BoundedStream(InputStream source, long left) {
    this.source = source;
    this.left = left;
  }

  @Override public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) return 0;
    if (left == 0) return -1;
    int count = source.read(target, offset, (int) Math.min(length, left));
    if (count > 0) left -= count;
    return count;
  }
}
