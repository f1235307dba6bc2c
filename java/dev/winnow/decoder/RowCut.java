package dev.winnow.decoder;

import java.util.BitSet;

/**
 * What a cut does to the rows of one sequence.
 *
 * @param keep ascending row numbers that go on, out of the rows entering the layer; null keeps all
 * @param hidden original indices whose keys nobody may attend to from this layer on, their rows staying in place; null hides none
 */
public record RowCut(int[] keep, BitSet hidden) {
  /** Leaves everything as it is. */
  public static final RowCut NOTHING = new RowCut(null, null);

  public static RowCut keep(int[] rows) { return new RowCut(rows, null); }

  public static RowCut hide(BitSet origins) { return new RowCut(null, origins); }
}
