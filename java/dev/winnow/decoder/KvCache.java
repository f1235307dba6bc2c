package dev.winnow.decoder;

import dev.winnow.checkpoint.TextConfig;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** The KV cache of one sequence: a {@link LayerCache} per layer, each of its own length. One thread at a time. */
public final class KvCache implements AutoCloseable {
  private final LayerCache[] layers;

  KvCache(KvPool pool, TextConfig config, Dtype dtype) {
    layers = new LayerCache[config.layers()];
    for (int i = 0; i < layers.length; i++) layers[i] = new LayerCache(pool, config.kvHeads(), config.headDim(), dtype);
  }

  /**
   * Bytes that the pool gives to one layer.
   *
   * @param rows that the layer stores
   * @param headroom rows to make room for beyond those, as in {@link #headroom}
   */
  public static long layerBytes(TextConfig config, Dtype dtype, int rows, int headroom) {
    return LayerCache.bytesFor(rows, headroom, LayerCache.rowBytes(config.kvHeads(), config.headDim(), dtype));
  }

  LayerCache layer(int index) { return layers[index]; }

  public int layers() { return layers.length; }

  /** Rows held per layer. */
  public int[] lengths() {
    int[] lengths = new int[layers.length];
    for (int i = 0; i < lengths.length; i++) lengths[i] = layers[i].storedRows();
    return lengths;
  }

  /** Original indices of the rows that a layer holds, in their order. */
  public int[] origins(int layer) { return layers[layer].origins(); }

  /** Rotary positions of the rows that a layer holds. */
  public int[] positions(int layer) { return layers[layer].positions(); }

  /** Sum of all keys and of all values of a layer, accumulated in float64; for conformance checks. */
  public double[] sums(int layer) {
    try (PointerScope scope = new PointerScope()) {
      LayerCache cache = layers[layer];
      if (cache.rows() == 0) return new double[2];
      int copies = cache.storedRows() / cache.rows();
      return new double[] {copies * sum(cache.keys()), copies * sum(cache.values())};
    }
  }

  private static double sum(Tensor tensor) {
    double total = 0;
    for (float value : Tensors.toFloats(tensor)) total += value;
    return total;
  }

  /** Bytes that the pool has given to this cache. */
  public long heldBytes() {
    long bytes = 0;
    for (LayerCache layer : layers) bytes += layer.heldBytes();
    return bytes;
  }

  /** Bytes that the pool would have given had no token been removed. */
  public long unprunedBytes() {
    long bytes = 0;
    for (LayerCache layer : layers) bytes += layer.unprunedBytes();
    return bytes;
  }

  /** Rows to make room for in every layer beyond those appended: the tokens that the answer may have. */
  public void headroom(int rows) {
    for (LayerCache layer : layers) layer.headroom(rows);
  }

  void unprunedRows(int rows) {
    for (LayerCache layer : layers) layer.unprunedRows(rows);
  }

  /**
   * Keeps only the given rows of each layer, in place and in one kernel call, and gives the freed tails back to the pool.
   *
   * @param keep per layer the ascending row numbers that stay; null leaves a layer alone
   */
  public void compact(int[][] keep) {
    List<Integer> touched = new ArrayList<>();
    for (int i = 0; i < layers.length; i++) if (keep[i] != null && keep[i].length < layers[i].rows()) touched.add(i);
    if (touched.isEmpty()) return;
    try (PointerScope scope = new PointerScope()) {
      Tensor[] planes = new Tensor[touched.size()];
      int[][] lists = new int[touched.size()][];
      for (int i = 0; i < planes.length; i++) {
        planes[i] = layers[touched.get(i)].memory();
        lists[i] = keep[touched.get(i)];
      }
      Kernels.compactRows(planes, lists);
    }
    for (int layer : touched) layers[layer].truncate(keep[layer]);
  }

  /** Lets the next row of these layers get the number of rows held as its position; only under {@link PositionPolicy#RENUMBER}. */
  public void continueFromRows(int[] renumbered) {
    for (int layer : renumbered) layers[layer].continueFromRows();
  }

  /** Rows that each layer has computed since the cache was empty, whatever became of them. */
  public int[] computedRows() { return Arrays.stream(layers).mapToInt(LayerCache::computedRows).toArray(); }

  /** Whether any layer lost rows out of {@code length}. */
  boolean pruned(int length) {
    for (LayerCache layer : layers) if (layer.nextPosition() != length) return true;
    return false;
  }

  int[] rows() { return Arrays.stream(layers).mapToInt(LayerCache::rows).toArray(); }

  int[] nextPositions() { return Arrays.stream(layers).mapToInt(LayerCache::nextPosition).toArray(); }

  void rollback(int[] rows, int[] nextPositions) {
    for (int i = 0; i < layers.length; i++) layers[i].rollback(rows[i], nextPositions[i]);
  }

  @Override public void close() {
    for (LayerCache layer : layers) layer.release();
  }
}
