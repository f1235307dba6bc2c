package dev.winnow.prune;

import java.util.BitSet;
import java.util.List;

/**
 * What one cut did to one image.
 *
 * @param site where
 * @param layers layers whose cache was cut, for the sites cache and decode; null elsewhere
 * @param image number of the image within the session
 * @param before tokens of the image that were there; for the first cut before the decoder its patches, tile after tile, unless all is kept
 * @param after tokens that are left; more than {@code kept} where some stand for no token of their own
 * @param kept original indices that go on, in the order of their rows: ascending, merged ones behind the others by the index they take
 *     over; before the decoder patch numbers, ascending, those of tile t from t times the patches of a tile on
 * @param rows before the decoder the patch of each row left, in the order in which the rows enter, -1 for one that stands for none; null
 *     inside the decoder, and where nothing was removed
 * @param merged what became of tokens that did not just go
 * @param margin score of the last kept minus score of the first dropped; NaN where that has no meaning
 * @param scores of the tokens that were there, in order (before the decoder in the order of their patches, rows without one left out); null
 *     where the cut has no scorer
 * @param nanos time spent on scoring and selecting
 */
public record CutRecord(Site site, int[] layers, int image, int before, int after, int[] kept, int[] rows, List<Merged> merged,
    float margin, float[] scores, long nanos) {
  /** A cut after which every token left stands for one that was there. */
  public CutRecord(Site site, int[] layers, int image, int before, int[] kept, List<Merged> merged, float margin, float[] scores,
      long nanos) {
    this(site, layers, image, before, kept.length, kept, null, merged, margin, scores, nanos);
  }

  /** Original indices: the token that stands for the others (-1 for a row that stands for no single one), and all that it is made of. */
  public record Merged(int into, int[] from) {}

  /** Score of the worst kept minus score of the best dropped; NaN where nothing was scored, kept or dropped. */
  public static float margin(float[] scores, int[] keptCandidates) {
    if (scores == null || keptCandidates.length == 0 || keptCandidates.length == scores.length) return Float.NaN;
    BitSet kept = new BitSet();
    for (int i : keptCandidates) kept.set(i);
    float lowestKept = Float.POSITIVE_INFINITY;
    float highestDropped = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < scores.length; i++) {
      if (kept.get(i)) lowestKept = Math.min(lowestKept, scores[i]);
      else highestDropped = Math.max(highestDropped, scores[i]);
    }
    return lowestKept - highestDropped;
  }
}
