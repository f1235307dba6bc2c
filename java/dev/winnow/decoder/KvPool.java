package dev.winnow.decoder;

import dev.winnow.InsufficientMemoryException;
import dev.winnow.kernels.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The memory of all KV caches of one model: big slabs, cut into extents of whole 256-byte units. A layer of a sequence owns one extent; the
 * tail that pruning frees goes back to the slab at once and serves other sequences. Counts what is held, so that reports come from the
 * allocator and not from a formula. Safe for use by several threads.
 */
public final class KvPool implements AutoCloseable {
  static final long UNIT = 256;
  /** Large beside one layer of a 7B model's prompt (10 MiB), so that little is left over at a slab's end. */
  private static final long SLAB_BYTES = 64L << 20;

  private final Device device;
  private final long limitBytes;
  private final List<Slab> slabs = new ArrayList<>();
  private long heldBytes;
  private long slabBytes;
  private boolean closed;

  /** @param limitBytes most bytes that all extents together may hold */
  public KvPool(Device device, long limitBytes) {
    this.device = device;
    this.limitBytes = limitBytes;
  }

  /** A run of bytes within a slab. */
  static final class Extent {
    private final Slab slab;
    private final long offset;
    private long bytes;

    private Extent(Slab slab, long offset, long bytes) {
      this.slab = slab;
      this.offset = offset;
      this.bytes = bytes;
    }

    long bytes() { return bytes; }

    /** A uint8 view of the first {@code length} bytes; belongs to the caller's PointerScope. */
    Tensor view(long length) { return slab.memory.narrow(0, offset, length); }
  }

  private static final class Slab {
    final Tensor memory;
    final long bytes;
    /** offset -> length of the free runs, never touching each other. */
    final TreeMap<Long, Long> free = new TreeMap<>();

    Slab(Tensor memory, long bytes) {
      this.memory = memory;
      this.bytes = bytes;
      free.put(0L, bytes);
    }

    long take(long bytes) {
      for (Map.Entry<Long, Long> run : free.entrySet()) {
        if (run.getValue() < bytes) continue;
        long offset = run.getKey();
        claim(offset, bytes);
        return offset;
      }
      return -1;
    }

    /** Whether the {@code bytes} at {@code offset} were free and now are not. */
    boolean takeAt(long offset, long bytes) {
      Long length = free.get(offset);
      if (length == null || length < bytes) return false;
      claim(offset, bytes);
      return true;
    }

    private void claim(long offset, long bytes) {
      long length = free.remove(offset);
      if (length > bytes) free.put(offset + bytes, length - bytes);
    }

    void give(long offset, long bytes) {
      Map.Entry<Long, Long> before = free.lowerEntry(offset);
      if (before != null && before.getKey() + before.getValue() == offset) {
        offset = before.getKey();
        bytes += before.getValue();
      }
      Long after = free.remove(offset + bytes);
      if (after != null) bytes += after;
      free.put(offset, bytes);
    }

    boolean empty() { return free.size() == 1 && free.firstEntry().getValue() == bytes; }
  }

  /** Bytes of all extents. */
  public synchronized long heldBytes() { return heldBytes; }

  /** Bytes of the slabs, held or free. */
  public synchronized long slabBytes() { return slabBytes; }

  synchronized Extent allocate(long bytes) {
    if (closed) throw new IllegalStateException("the model is closed");
    bytes = round(bytes);
    admit(bytes);
    for (Slab slab : slabs) {
      long offset = slab.take(bytes);
      if (offset >= 0) return held(slab, offset, bytes);
    }
    Slab slab = newSlab(Math.max(SLAB_BYTES, bytes));
    return held(slab, slab.take(bytes), bytes);
  }

  /** Lengthens the extent in place if the bytes behind it are free; false leaves it as it was. */
  synchronized boolean extend(Extent extent, long bytes) {
    bytes = round(bytes);
    long more = bytes - extent.bytes;
    if (more <= 0) return true;
    admit(more);
    if (!extent.slab.takeAt(extent.offset + extent.bytes, more)) return false;
    extent.bytes = bytes;
    heldBytes += more;
    return true;
  }

  /** Gives the bytes behind the first {@code bytes} back; everything, if 0. */
  synchronized void shrink(Extent extent, long bytes) {
    bytes = round(bytes);
    long less = extent.bytes - bytes;
    if (less <= 0) return;
    extent.slab.give(extent.offset + bytes, less);
    extent.bytes = bytes;
    heldBytes -= less;
    if (extent.slab.empty()) release(extent.slab);
  }

  static long round(long bytes) { return (bytes + UNIT - 1) / UNIT * UNIT; }

  private Extent held(Slab slab, long offset, long bytes) {
    heldBytes += bytes;
    return new Extent(slab, offset, bytes);
  }

  private void admit(long more) {
    if (heldBytes + more > limitBytes) {
      throw new InsufficientMemoryException("the KV cache would need " + (heldBytes + more >> 20) + " MiB, more than its limit of "
          + (limitBytes >> 20) + " MiB; close sessions, shorten the prompt, prune more, or raise -Dwinnow.kv.bytes");
    }
  }

  private Slab newSlab(long bytes) {
    try (PointerScope scope = new PointerScope()) {
      Tensor memory = Tensors.uninitialised(ScalarType.Byte, device, bytes);
      memory.retainReference();
      Slab slab = new Slab(memory, bytes);
      slabs.add(slab);
      slabBytes += bytes;
      return slab;
    } catch (RuntimeException | OutOfMemoryError e) {
      throw new InsufficientMemoryException("no memory for " + (bytes >> 20) + " MiB of KV cache;"
          + " close sessions, shorten the prompt or prune more", e);
    }
  }

  private void release(Slab slab) {
    slabs.remove(slab);
    slabBytes -= slab.bytes;
    slab.memory.close();
  }

  @Override public synchronized void close() {
    closed = true;
    for (Slab slab : List.copyOf(slabs)) release(slab);
    heldBytes = 0;
  }
}
