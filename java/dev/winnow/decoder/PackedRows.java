package dev.winnow.decoder;

import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * The rows of all sequences of one step, packed without padding, at the input of a layer: hidden rows [rows, hidden] plus, per sequence,
 * the original index of every row and what travels beside the rows. {@link #keep} is the only place that drops a row. Owns its tensors, so
 * that the scope of a layer may end.
 */
final class PackedRows implements AutoCloseable {
  private final List<Sequence> sequences;
  /** First row of each sequence; one more entry than sequences. */
  private int[] offsets;
  private final int[][] origins;
  /** Per sequence the original indices that may not be attended to from here on; null for none. */
  private final BitSet[] hiddenKeys;
  /** Per sequence the kept queries and keys of the layer before; null where nobody asked. */
  private final Tensor[] queries;
  private final LogitBias[] biases;
  private Tensor hidden;
  /** The angles of the layer before and their positions: most layers have the same. */
  private Rope.Angles angles;
  private int[] anglePositions;

  PackedRows(List<Sequence> sequences, int[] counts, Tensor hidden) {
    this.sequences = sequences;
    hidden(hidden);
    this.hiddenKeys = new BitSet[counts.length];
    this.queries = new Tensor[counts.length];
    this.biases = new LogitBias[counts.length];
    this.origins = new int[counts.length][];
    for (int s = 0; s < counts.length; s++) {
      origins[s] = new int[counts[s]];
      for (int i = 0; i < counts[s]; i++) origins[s][i] = sequences.get(s).length() + i;
    }
    countOffsets();
  }

  int rows() { return offsets[offsets.length - 1]; }

  Tensor hidden() { return hidden; }

  void hidden(Tensor next) { hidden = own(hidden, next); }

  int[] origins(int sequence) { return origins[sequence]; }

  BitSet hiddenKeys(int sequence) { return hiddenKeys[sequence]; }

  void hide(int sequence, BitSet origins) { hiddenKeys[sequence] = origins; }

  /** Rotated queries of the layer before, [rows, heads, headDim]; null where nobody asked. */
  Tensor queries(int sequence) { return queries[sequence]; }

  void queries(int sequence, Tensor rotated) { queries[sequence] = own(queries[sequence], rotated); }

  /** The rows of one sequence out of any packed tensor. */
  Tensor of(int sequence, Tensor packed) { return packed.narrow(0, offsets[sequence], offsets[sequence + 1] - offsets[sequence]); }

  /** The part of one sequence out of values for all packed rows. */
  int[] of(int sequence, int[] packed) { return Arrays.copyOfRange(packed, offsets[sequence], offsets[sequence + 1]); }

  /** The packed row number of each sequence's last row. */
  int[] lastRows() {
    int[] last = new int[sequences.size()];
    for (int s = 0; s < last.length; s++) last[s] = offsets[s + 1] - 1;
    return last;
  }

  /** Rotary position of every packed row in a layer, by each sequence's policy. */
  int[] positions(int layer) {
    int[] positions = new int[rows()];
    for (int s = 0; s < origins.length; s++) {
      boolean renumber = sequences.get(s).policy() == PositionPolicy.RENUMBER;
      int next = sequences.get(s).cache().layer(layer).nextPosition();
      for (int i = 0; i < origins[s].length; i++) {
        positions[offsets[s] + i] = renumber ? next + i : sequences.get(s).position(origins[s][i]);
      }
    }
    return positions;
  }

  /** What is added to attention logits of one sequence in this step. */
  LogitBias bias(int sequence, Rope rope) {
    if (biases[sequence] == null) biases[sequence] = new LogitBias(rope);
    return biases[sequence];
  }

  /** Rotary angles of all packed rows at these positions. */
  Rope.Angles angles(Rope rope, int[] positions) {
    if (!Arrays.equals(positions, anglePositions)) {
      Rope.Angles next = rope.angles(positions);
      angles = new Rope.Angles(own(angles == null ? null : angles.cos(), next.cos()),
          own(angles == null ? null : angles.sin(), next.sin()));
      anglePositions = positions;
    }
    return angles;
  }

  /**
   * Keeps only some rows of each sequence, in the hidden rows, in everything that runs parallel to them, and in the tensors that the layer
   * has already computed for them; then puts merged rows in their places.
   *
   * @param cuts per sequence what stays and what is merged; null, or a null keep-list, keeps all
   * @param projected packed tensors of the layer about to run, made from rows that are not merged; their kept rows are returned
   *     in the same order
   */
  Tensor[] keep(RowCut[] cuts, Tensor... projected) {
    int[] packed = packedRows(cuts);
    if (packed == null) return projected;
    Tensor kept = Kernels.gatherRows(hidden, packed);
    for (int i = 0; i < projected.length; i++) projected[i] = Kernels.gatherRows(projected[i], packed);
    for (int s = 0; s < cuts.length; s++) {
      if (cuts[s] == null || cuts[s].keep() == null) continue;
      int[] before = origins[s];
      origins[s] = Arrays.stream(cuts[s].keep()).map(row -> before[row]).toArray();
      queries(s, null); // consumed by the cut that asked for them
    }
    countOffsets();
    for (int s = 0; s < cuts.length; s++) {
      RowCut.Merged merged = cuts[s] == null ? null : cuts[s].merged();
      if (merged == null || merged.places().length == 0) continue;
      int first = offsets[s];
      int[] places = Arrays.stream(merged.places()).map(place -> first + place).toArray();
      kept.index_copy_(0, Tensors.indices(places, kept.device()), merged.rows());
    }
    hidden(kept);
    return projected;
  }

  /** The packed row numbers that go on, in order; null where that is all of them as they are. */
  private int[] packedRows(RowCut[] cuts) {
    int[] packed = new int[rows()];
    int n = 0;
    boolean changes = false;
    for (int s = 0; s < cuts.length; s++) {
      int[] keep = cuts[s] == null ? null : cuts[s].keep();
      int count = keep == null ? origins[s].length : keep.length;
      for (int i = 0; i < count; i++) {
        changes |= keep != null && keep[i] != i;
        packed[n++] = offsets[s] + (keep == null ? i : keep[i]);
      }
      changes |= count != origins[s].length || cuts[s] != null && cuts[s].merged() != null;
    }
    return changes ? Arrays.copyOf(packed, n) : null;
  }

  private void countOffsets() {
    offsets = new int[origins.length + 1];
    for (int s = 0; s < origins.length; s++) offsets[s + 1] = offsets[s] + origins[s].length;
  }

  private static Tensor own(Tensor before, Tensor next) {
    if (next != null) next.retainReference();
    if (before != null) before.releaseReference();
    return next;
  }

  @Override public void close() {
    hidden(null);
    if (angles != null) {
      own(angles.cos(), null);
      own(angles.sin(), null);
    }
    for (int s = 0; s < queries.length; s++) queries(s, null);
    for (LogitBias bias : biases) if (bias != null) bias.close();
  }
}
