package dev.winnow.prune.patches;

import dev.winnow.kernels.Kernels;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.TileShares;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import dev.winnow.prune.VisionReducer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Keeps what another reducer selects and merges the rest into anchors, in projected rows; all are put in the order of their places.
 *
 * @param selector keeps its patches as they are; given half of the tokens
 * @param tokens rows of one picture, all tiles together
 */
public record AnchoredReducer(VisionReducer selector, int tokens) implements VisionReducer {
  @Override public VisionNeeds needs() { return selector.needs(); }

  @Override public boolean keepsAll(int unpruned) { return tokens >= unpruned; }

  @Override public List<Reduction> reduce(VisionFacts facts) {
    List<Reduction> selected = selector.reduce(facts);
    int[] shares = TileShares.equal(Math.max(0, tokens - facts.tiles() * facts.spareRows()), facts.tiles(), facts.patches());
    List<Reduction> tiles = new ArrayList<>();
    for (int t = 0; t < facts.tiles(); t++) {
      tiles.add(merge(facts.projected().select(0, t).contiguous(), selected.get(t).patches(), shares[t], selected.get(t).scores()));
    }
    return tiles;
  }

  private static Reduction merge(Tensor rows, int[] selected, int share, float[] scores) {
    int[][] members = members(rows, Arrays.copyOf(selected, Math.min(share, selected.length)), share);
    int[] kept = Arrays.stream(members).mapToInt(AnchorMerge::place).toArray();
    List<CutRecord.Merged> merges = new ArrayList<>();
    for (int r = 0; r < members.length; r++) if (members[r].length > 1) merges.add(new CutRecord.Merged(kept[r], members[r]));
    return new Reduction(kept, AnchorMerge.means(rows, members), merges, scores);
  }

  /**
   * The rows of the result, each by its members, ordered by place.
   *
   * @param kept rows that stay as they are
   * @param total rows of the result
   */
  public static int[][] members(Tensor rows, int[] kept, int total) {
    boolean[] taken = new boolean[(int) rows.size(0)];
    for (int row : kept) taken[row] = true;
    int[] rest = IntStream.range(0, taken.length).filter(row -> !taken[row]).toArray();
    AnchorMerge merge = AnchorMerge.of(Kernels.gatherRows(rows, rest).to(ScalarType.Float), total - kept.length);
    List<int[]> all = new ArrayList<>();
    for (int row : kept) all.add(new int[] {row});
    for (int[] group : merge.groups()) all.add(Arrays.stream(group).map(i -> rest[i]).toArray());
    all.sort(Comparator.comparingInt(AnchorMerge::place));
    return all.toArray(new int[0][]);
  }
}
