package dev.winnow.prune.patches;

import dev.winnow.InvalidInputException;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.TowerMerge;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import dev.winnow.prune.VisionReducer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * ToMe: between attention and MLP of every block up to the features, tokens are merged pairwise by the similarity of their keys (mean over
 * heads); sizes are carried along, and a merged token counts in attention as often as it has members.
 *
 * @param perBlock tokens merged away in each block; used where {@code tokens} is negative
 * @param tokens rows of one picture that are left, all tiles together; the blocks then take away alike
 * @param lastBlock last block that merges
 * @param classToken whether the tower has one, which is never merged
 * @param proportional whether attention counts members
 */
public record TokenMerging(int perBlock, int tokens, int lastBlock, boolean classToken, boolean proportional) implements VisionReducer {
  @Override public VisionNeeds needs() { return VisionNeeds.NOTHING; }

  @Override public boolean keepsAll(int unpruned) { return tokens < 0 ? perBlock == 0 : tokens >= unpruned; }

  @Override public int most(int rows) { return tokens < 0 ? rows : Math.min(rows, tokens); }

  @Override public List<Reduction> reduce(VisionFacts facts) { throw new IllegalStateException("decided inside the tower"); }

  @Override public void check(int tiles, int patches, int spareRows) {
    int classes = classToken ? 1 : 0;
    long most = target(tiles, patches, spareRows);
    for (int block = 0; block <= lastBlock && most < classes + patches; block++) most = 2 * most - classes;
    if (tokens < 0 || most >= classes + patches) return;
    throw new InvalidInputException("method 'tome' merges at most half of the tokens in each of the tower's " + (lastBlock + 1)
        + " blocks and cannot leave " + tokens + " of this picture; give a larger budget");
  }

  /** Tokens of a tile, its class token counted, that leave the budget of all tiles. */
  private int target(int tiles, int patches, int spareRows) {
    return (classToken ? 1 : 0) + Math.min(patches, Math.max(0, tokens / tiles - spareRows));
  }

  @Override public TowerMerge towerMerge(int spareRows, IntConsumer left) { return new Merge(spareRows); }

  private final class Merge implements TowerMerge {
    private final int spareRows;
    private Tensor metric;
    private Tensor bias;
    private Device device;
    private int target = -1;
    /** Per tile and token the places of the first state that it is made of, its own first. */
    private int[][][] members;
    private float[][] sizes;

    Merge(int spareRows) { this.spareRows = spareRows; }

    @Override public Tensor afterEmbedding(Tensor hidden) {
      int tiles = (int) hidden.size(0);
      int count = (int) hidden.size(1);
      members = new int[tiles][count][];
      sizes = new float[tiles][count];
      for (int t = 0; t < tiles; t++) {
        for (int i = 0; i < count; i++) members[t][i] = new int[] {i};
        Arrays.fill(sizes[t], 1);
      }
      if (tokens >= 0) target = target(tiles, count - (classToken ? 1 : 0), spareRows);
      return hidden;
    }

    @Override public void projections(int block, Tensor query, Tensor key, Tensor value) {
      release(metric);
      metric = null;
      device = key.device();
      if (block > lastBlock) return;
      try (PointerScope scope = new PointerScope()) {
        metric = torch.mean(key.to(torch.ScalarType.Float), 1).contiguous();
        metric.retainReference();
      }
    }

    @Override public Tensor attentionBias(int block) {
      if (!proportional || block == 0) return null;
      release(bias);
      int count = sizes[0].length;
      float[] logs = new float[sizes.length * count];
      for (int t = 0; t < sizes.length; t++) for (int i = 0; i < count; i++) logs[t * count + i] = (float) Math.log(sizes[t][i]);
      try (PointerScope scope = new PointerScope()) {
        bias = Tensors.floats(logs, device, sizes.length, 1, 1, count);
        bias.retainReference();
      }
      return bias;
    }

    @Override public Tensor afterAttention(int block, Tensor hidden) {
      int count = (int) hidden.size(1);
      int r = block > lastBlock ? 0 : wanted(block, count);
      if (r == 0) return hidden;
      List<Tensor> tiles = new ArrayList<>();
      for (int t = 0; t < members.length; t++) {
        int[][] groups = BipartiteMatch.of(metric.select(0, t), r, classToken).members();
        tiles.add(BipartiteMatch.mean(hidden.select(0, t).contiguous(), groups, sizes[t]));
        sizes[t] = BipartiteMatch.sizes(groups, sizes[t]);
        members[t] = joined(groups, members[t]);
      }
      return torch.stack(new TensorVector(tiles.toArray(new Tensor[0])), 0);
    }

    private int wanted(int block, int count) {
      int limit = BipartiteMatch.limit(count, classToken);
      if (target < 0) return Math.min(perBlock, limit);
      int left = lastBlock - block + 1;
      return (int) Math.max(0, Math.min(limit, Math.max((count - target + left - 1) / left, count - mostBefore(left - 1))));
    }

    /** The most tokens from which that many blocks can still come to the target, taking half each. */
    private long mostBefore(int blocks) {
      long most = target;
      for (int b = 0; b < blocks && most < sizes[0].length; b++) most = 2 * most - (classToken ? 1 : 0);
      return most;
    }

    private static int[][] joined(int[][] groups, int[][] before) {
      int[][] after = new int[groups.length][];
      for (int s = 0; s < groups.length; s++) {
        int[] all = new int[0];
        for (int place : groups[s]) all = Order.concat(all, before[place]);
        after[s] = all;
      }
      return after;
    }

    @Override public int[][] patchNumbers() {
      int cls = classToken ? 1 : 0;
      int[][] numbers = new int[members.length][];
      for (int t = 0; t < numbers.length; t++) {
        int[][] tokens = members[t];
        numbers[t] = IntStream.range(cls, tokens.length).map(i -> tokens[i][0] - cls).toArray();
      }
      return numbers;
    }

    @Override public List<Reduction> result(VisionFacts facts) {
      int cls = classToken ? 1 : 0;
      List<Reduction> tiles = new ArrayList<>();
      int[][] numbers = patchNumbers();
      for (int t = 0; t < members.length; t++) {
        int[] kept = numbers[t];
        List<CutRecord.Merged> merges = new ArrayList<>();
        for (int s = 0; s < kept.length; s++) {
          int[] group = members[t][s + cls];
          int[] all = Arrays.stream(group).map(place -> place - cls).sorted().toArray();
          if (all.length > 1) merges.add(new CutRecord.Merged(kept[s], all));
        }
        tiles.add(new Reduction(kept, facts.features(t), merges, null));
      }
      return tiles;
    }

    private static void release(Tensor tensor) { if (tensor != null) tensor.releaseReference(); }

    @Override public void close() {
      release(metric);
      release(bias);
      metric = null;
      bias = null;
    }
  }
}
