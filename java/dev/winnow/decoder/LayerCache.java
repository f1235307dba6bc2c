package dev.winnow.decoder;

import dev.winnow.kernels.Dtype;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/**
 * Keys and values of one layer of one sequence: rows [K | V], each half [kvHeads, headDim], in one extent of the pool. Knows the original
 * index of every row and the position that the next row gets under {@link PositionPolicy#RENUMBER}.
 */
final class LayerCache {
  /** Capacity grows in steps of this many rows. */
  private static final int ROWS_STEP = 16;

  private final KvPool pool;
  private final int kvHeads;
  private final int headDim;
  private final Dtype dtype;
  private KvPool.Extent extent;
  private int[] origins = {};
  private int[] positions = {};
  private int rows;
  private int nextPosition;
  private int computedRows;
  private int headroom;
  private int copies = 1;
  private long unprunedBytes;

  LayerCache(KvPool pool, int kvHeads, int headDim, Dtype dtype) {
    this.pool = pool;
    this.kvHeads = kvHeads;
    this.headDim = headDim;
    this.dtype = dtype;
  }

  int rows() { return rows; }

  /** Rows that take memory: {@link #rows} times the copies of each. */
  int storedRows() { return rows * copies; }

  /** How often each row is stored; only before the first row. One, but for a method whose public code stores a layer twice. */
  void copies(int copies) { this.copies = copies; }

  int nextPosition() { return nextPosition; }

  void continueFromRows() { nextPosition = rows; }

  /** Rows appended since the cache was empty, whatever became of them. */
  int computedRows() { return computedRows; }

  /** Original index of each row. */
  int[] origins() { return Arrays.copyOf(origins, rows); }

  /** Rotary position with which each row's key was rotated. */
  int[] positions() { return Arrays.copyOf(positions, rows); }

  long rowBytes() { return copies * rowBytes(kvHeads, headDim, dtype); }

  static long rowBytes(int kvHeads, int headDim, Dtype dtype) { return 2L * kvHeads * headDim * dtype.bytes; }

  long heldBytes() { return extent == null ? 0 : extent.bytes(); }

  /** Bytes that the pool would have given, by the same rule, to a layer that was told of every row and lost none. */
  long unprunedBytes() { return unprunedBytes; }

  /** Rows to make room for beyond those appended, so that decoding does not move the cache. */
  void headroom(int rows) { headroom = rows; }

  /** Tells how many rows the layer would hold without pruning. */
  void unprunedRows(int rows) {
    if (rows * rowBytes() > unprunedBytes) unprunedBytes = bytesFor(rows);
  }

  /** @param keys [n, kvHeads, headDim], rotated for {@code newPositions}; {@code values} likewise */
  void append(Tensor keys, Tensor values, int[] newOrigins, int[] newPositions) {
    int count = newOrigins.length;
    if (count == 0) return;
    reserve(rows + count);
    Tensor target = view(rows + count).narrow(0, rows, count);
    for (int copy = 0; copy < copies; copy++) {
      target.select(1, copy).select(1, 0).copy_(keys);
      target.select(1, copy).select(1, 1).copy_(values);
    }
    if (origins.length < rows + count) {
      origins = Arrays.copyOf(origins, (int) capacityFor(rows + count, headroom));
      positions = Arrays.copyOf(positions, origins.length);
    }
    System.arraycopy(newOrigins, 0, origins, rows, count);
    System.arraycopy(newPositions, 0, positions, rows, count);
    rows += count;
    nextPosition += count;
    computedRows += count;
  }

  /** [rows, kvHeads, headDim], a strided view of the cache. */
  Tensor keys() { return view(rows).select(1, 0).select(1, 0); }

  /** [rows, kvHeads, headDim], a strided view of the cache. */
  Tensor values() { return view(rows).select(1, 0).select(1, 1); }

  /** The first byte of row 0. Valid until the next append or truncation. */
  Tensor memory() { return view(rows); }

  /** Tells that rows were compacted in place to those at {@code keep} (ascending), and gives the freed tail back to the pool. */
  void truncate(int[] keep) {
    for (int i = 0; i < keep.length; i++) {
      origins[i] = origins[keep[i]];
      positions[i] = positions[keep[i]];
    }
    rows = keep.length;
    pool.shrink(extent, bytesFor(rows));
  }

  /** Forgets the rows behind the first {@code kept}. */
  void rollback(int kept, int position) {
    if (kept == 0) {
      release();
    } else {
      rows = kept;
      nextPosition = position;
      unprunedBytes = 0;
      pool.shrink(extent, bytesFor(rows));
    }
  }

  void release() {
    if (extent != null) pool.shrink(extent, 0);
    extent = null;
    rows = 0;
    nextPosition = 0;
    computedRows = 0;
    unprunedBytes = 0;
  }

  private static long capacityFor(int rows, int headroom) { return (rows + headroom + ROWS_STEP - 1L) / ROWS_STEP * ROWS_STEP; }

  private long bytesFor(int rows) { return bytesFor(rows, headroom, rowBytes()); }

  /** What the pool gives for so many rows. */
  static long bytesFor(int rows, int headroom, long rowBytes) { return KvPool.round(capacityFor(rows, headroom) * rowBytes); }

  private void reserve(int needed) {
    if (extent != null && needed * rowBytes() <= extent.bytes()) return;
    long bytes = bytesFor(needed);
    if (extent == null) {
      extent = pool.allocate(bytes);
    } else if (!pool.extend(extent, bytes)) {
      KvPool.Extent moved = pool.allocate(bytes);
      moved.view(rows * rowBytes()).copy_(extent.view(rows * rowBytes()));
      pool.shrink(extent, 0);
      extent = moved;
    }
  }

  /** [n, copies, 2, kvHeads, headDim] */
  private Tensor view(int n) {
    return extent.view(n * rowBytes()).view(dtype.torch).view(n, copies, 2, kvHeads, headDim);
  }
}
