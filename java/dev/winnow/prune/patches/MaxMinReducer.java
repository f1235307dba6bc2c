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
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

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

  @Override public int most(int rows) { return tokens < 0 ? rows : Math.min(rows, tokens); }

  @Override public List<Reduction> reduce(VisionFacts facts) {
    int[] chosen = Order.ascending(choose(facts));
    List<Reduction> tiles = new ArrayList<>();
    int end = 0;
    for (int t = 0; t < facts.tiles(); t++) {
      int first = end;
      int behind = first + facts.patches(t);
      tiles.add(Reduction.of(Arrays.stream(chosen).filter(row -> row >= first && row < behind).map(row -> row - first).toArray(), null));
      end = behind;
    }
    return tiles;
  }

  /** Rows of all tiles, one after the other, in the order of choice. */
  public int[] choose(VisionFacts facts) {
    Tensor[] tiles = new Tensor[facts.tiles()];
    for (int t = 0; t < tiles.length; t++) tiles[t] = facts.projected32(t);
    Tensor rows = torch.cat(new TensorVector(tiles), 0);
    int count = tokens < 0 ? (int) Math.rint(share * rows.size(0)) : facts.room(tokens);
    return Greedy.choose(Greedy.Objective.MAX_MIN, rows, null, null, 1, 0, count);
  }
}
