package dev.winnow.prune.patches;

import dev.winnow.kernels.Kernels;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Reduction;
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

  @Override public boolean needsWholePicture() { return selector.needsWholePicture(); }

  @Override public boolean keepsAll(int unpruned) { return tokens >= unpruned; }

  @Override public int most(int rows) { return Math.min(rows, tokens); }

  @Override public List<Reduction> reduce(VisionFacts facts) {
    List<Reduction> selected = selector.reduce(facts);
    int[] counts = selected.stream().mapToInt(tile -> tile.patches().length).toArray();
    int[] shares = shares(counts, facts.room(tokens), IntStream.range(0, facts.tiles()).map(facts::patches).toArray());
    List<Reduction> tiles = new ArrayList<>();
    for (int t = 0; t < facts.tiles(); t++) {
      tiles.add(merge(facts.projected(t).contiguous(), facts.patchNumbers(t), selected.get(t), shares[t]));
    }
    return tiles;
  }

  /**
   * Rows per tile: all that was selected, and anchors so that the tiles have as equal a number of rows as that allows.
   *
   * @param selected patches per tile that stay as they are
   * @param tokens rows of all tiles together
   * @param room most rows of each tile
   */
  static int[] shares(int[] selected, int tokens, int... room) {
    int[] shares = selected.clone();
    for (int left = tokens - IntStream.of(selected).sum(); left > 0; left--) {
      int[] open = IntStream.range(0, shares.length).filter(t -> shares[t] < room[t]).toArray();
      if (open.length == 0) break;
      shares[Arrays.stream(open).boxed().min(Comparator.comparingInt(t -> shares[t])).orElseThrow()]++;
    }
    return shares;
  }

  private static Reduction merge(Tensor rows, int[] patches, Reduction selection, int share) {
    int[][] members = members(rows, patches, selection.patches(), share);
    int[] kept = Arrays.stream(members).mapToInt(AnchorMerge::place).toArray();
    List<CutRecord.Merged> merges = new ArrayList<>();
    for (int r = 0; r < members.length; r++) if (members[r].length > 1) merges.add(new CutRecord.Merged(kept[r], members[r]));
    return new Reduction(kept, AnchorMerge.means(rows, members), merges, selection.scores());
  }

  /**
   * The rows of the result, each by its members in the order of their patches, ordered by place.
   *
   * @param patches where each row stands
   * @param kept rows that stay as they are
   * @param total rows of the result
   */
  public static int[][] members(Tensor rows, int[] patches, int[] kept, int total) {
    boolean[] taken = new boolean[(int) rows.size(0)];
    for (int row : kept) taken[row] = true;
    int[] rest = IntStream.range(0, taken.length).filter(row -> !taken[row]).toArray();
    AnchorMerge merge = AnchorMerge.of(Kernels.gatherRows(rows, rest).to(ScalarType.Float), total - kept.length);
    List<int[]> all = new ArrayList<>();
    for (int row : kept) all.add(new int[] {row});
    for (int[] group : merge.groups()) {
      all.add(Arrays.stream(group).map(i -> rest[i]).boxed().sorted(Comparator.comparingInt(row -> patches[row])).mapToInt(row -> row)
          .toArray());
    }
    all.sort(Comparator.comparingInt(members -> patches[AnchorMerge.place(members)]));
    return all.toArray(new int[0][]);
  }
}
