package dev.winnow.decoder;

import java.util.BitSet;
import org.bytedeco.pytorch.Tensor;

/**
 * What a cut does to the rows of one sequence.
 *
 * @param keep row numbers that go on, out of the rows entering the layer, each at most once, in the order that they go on in: ascending,
 *     but that merged rows may stand behind the rows of their image that stay; null keeps all
 * @param hidden original indices whose keys nobody may attend to from this layer on, their rows staying in place; null hides none
 * @param merged what replaces some of the rows that go on; null replaces none
 */
public record RowCut(int[] keep, BitSet hidden, Merged merged) {
  /**
   * Rows made of several: each goes on in the place of one of them and keeps that one's original index.
   *
   * @param places where they stand in {@code keep}
   * @param rows [places.length, hidden], in the dtype of the rows; belongs to the scope of the layer
   */
  public record Merged(int[] places, Tensor rows) {}

  /** Leaves everything as it is. */
  public static final RowCut NOTHING = new RowCut(null, null, null);

  public static RowCut keep(int[] rows) { return new RowCut(rows, null, null); }

  public static RowCut hide(BitSet origins) { return new RowCut(null, origins, null); }
}
