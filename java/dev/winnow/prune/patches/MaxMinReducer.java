package dev.winnow.prune.patches;

import dev.winnow.kernels.Greedy;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import dev.winnow.prune.VisionReducer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * DivPrune: of the projected rows of all tiles together, first the one whose nearest neighbour is farthest, then always the one farthest
 * from those chosen, by 1 - cosine.
 *
 * @param share of the rows that stays, rounded half to even; used where {@code tokens} is negative
 * @param tokens that stay of one picture, all tiles together
 */
public record MaxMinReducer(double share, int tokens) implements VisionReducer {
  @Override public VisionNeeds needs() { return VisionNeeds.NOTHING; }

  @Override public boolean keepsAll(int unpruned) { return tokens < 0 ? share == 1 : tokens >= unpruned; }

  @Override public List<Reduction> reduce(VisionFacts facts) {
    int[] chosen = Order.ascending(choose(facts));
    int n = facts.patches();
    List<Reduction> tiles = new ArrayList<>();
    for (int t = 0; t < facts.tiles(); t++) {
      int first = t * n;
      tiles.add(Reduction.of(Arrays.stream(chosen).filter(row -> row >= first && row < first + n).map(row -> row - first).toArray(), null));
    }
    return tiles;
  }

  /** Rows of all tiles, one after the other, in the order of choice. */
  public int[] choose(VisionFacts facts) {
    int total = facts.tiles() * facts.patches();
    int count = tokens < 0 ? (int) Math.rint(share * total) : Math.max(0, tokens - facts.tiles() * facts.spareRows());
    Tensor rows = facts.projected32();
    return Greedy.choose(Greedy.Objective.MAX_MIN, rows.reshape(total, rows.size(2)).contiguous(), null, null, 1, 0, count);
  }
}
