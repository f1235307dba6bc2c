package dev.winnow.prune.patches;

import dev.winnow.kernels.Kernels;
import dev.winnow.prune.PatchScorer;
import dev.winnow.prune.PatchScorers;
import dev.winnow.prune.TileShares;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * HiRED's division: the whole picture gets a share of the budget, the tiles the rest, in proportion to how many of the whole picture's most
 * attended patches in a shallow block lie in their region. A region is a run of the raster and not the tile's rectangle, as in the public
 * code.
 *
 * @param shallow block whose class attention (summed over heads) tells where the picture is busy
 * @param alpha share of the whole picture
 * @param exact whether what rounding loses is given to the first tiles that have room; the public code loses it
 */
public record RegionShares(int shallow, double alpha, boolean exact) implements TileShares {
  private PatchScorer scorer() { return PatchScorers.classAttentionSum(shallow); }

  @Override public VisionNeeds needs() { return scorer().needs().withGrid(); }

  @Override public boolean needsWholePicture() { return true; }

  @Override public int[] of(VisionFacts facts, List<Tensor> scores, int tokens) {
    int n = facts.patches();
    int tiles = facts.tiles();
    int[] shares = new int[tiles];
    shares[0] = Math.min(tiles == 1 ? tokens : (int) (tokens * alpha), n);
    if (tiles > 1) {
      boolean[] busy = new boolean[n];
      Tensor whole = scorer().score(facts).get(0);
      for (int patch : Kernels.top(whole, (int) (n * (1 - alpha)))) busy[patch] = true;
      System.arraycopy(divide(busy, tiles - 1, Math.min(tokens - shares[0], (tiles - 1) * n), n), 0, shares, 1, tiles - 1);
    }
    int lost = tokens;
    for (int share : shares) lost -= share;
    for (int t = 0; exact && t < tiles; t++) {
      int more = Math.min(lost, n - shares[t]);
      shares[t] += more;
      lost -= more;
    }
    return shares;
  }

  /**
   * @param busy patches of the whole picture that count
   * @param budget of all regions together
   * @param most of one region
   */
  public static int[] divide(boolean[] busy, int regions, int budget, int most) {
    int[] hits = new int[regions];
    int total = 0;
    for (int patch = 0; patch < busy.length; patch++) {
      if (!busy[patch]) continue;
      hits[(int) ((long) patch * regions / busy.length)]++;
      total++;
    }
    int[] shares = new int[regions];
    // in float32 as in the public code: where the quotient should be a whole number, rounding decides
    for (int r = 0; r < regions && total > 0; r++) shares[r] = Math.min(most, (int) ((float) hits[r] / total * budget));
    return shares;
  }
}
