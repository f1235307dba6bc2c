package dev.winnow.prune.patches;

import dev.winnow.InvalidInputException;
import dev.winnow.kernels.Tensors;
import dev.winnow.kernels.Vectors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.TowerMerge;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import dev.winnow.prune.VisionReducer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * MustDrop in the tower: behind block 0 whole windows of patches become their mean where the patches resemble one another, and the patches
 * with the most attention of the class token become key tokens that later stages never drop. Merged tokens stand first, by falling
 * similarity, then the others; all tiles merge as many windows as the tile with the fewest.
 *
 * @param threshold least similarity: mean cosine of the pairs of different patches
 * @param window patches on one side of a window; divides the grid
 * @param keyShare share of the tokens left that are key tokens, rounded up; 0 for none
 * @param keyBlock block whose class attention ranks them
 */
public record WindowMerge(double threshold, int window, double keyShare, int keyBlock) implements VisionReducer {
  /** Floor of a norm. */
  private static final double SMALLEST_NORM = 1e-8;

  @Override public VisionNeeds needs() { return keyShare > 0 ? VisionNeeds.classRows(keyBlock) : VisionNeeds.NOTHING; }

  @Override public boolean keepsAll(int tokens) { return false; }

  @Override public List<Reduction> reduce(VisionFacts facts) { throw new IllegalStateException("decided inside the tower"); }

  @Override public TowerMerge towerMerge(int spareRows, IntConsumer left) { return new Behind(left); }

  /**
   * Tokens of all tiles after merging.
   *
   * @param rows [tiles, 1 + tokens, width], the class token first
   * @param windows per tile the merged windows in the order of their tokens
   * @param others per tile the patches that stay as they are, ascending
   */
  public record Merged(Tensor rows, int[][] windows, int[][] others) {}

  /** @param hidden [tiles, 1 + patches, width], the class token first; patches a raster of a square grid */
  public Merged merge(Tensor hidden) {
    int tiles = (int) hidden.size(0);
    int patches = (int) hidden.size(1) - 1;
    int side = (int) Math.round(Math.sqrt(patches));
    if (side * side != patches || side % window != 0) {
      throw new InvalidInputException("a tile of " + patches + " patches does not divide into windows of " + window + "x" + window
          + "; set another window");
    }
    int perSide = side / window;
    Tensor inWindows = hidden.narrow(1, 1, patches).to(ScalarType.Float).reshape(tiles, perSide, window, perSide, window, hidden.size(2))
        .permute(0, 1, 3, 2, 4, 5).reshape(tiles, (long) perSide * perSide, (long) window * window, hidden.size(2));
    int members = window * window;
    Tensor unit = inWindows.div(inWindows.square().sum(3).sqrt().clamp_min(new Scalar(SMALLEST_NORM)).unsqueeze(3));
    Tensor similarity = unit.sum(2).square().sum(2).sub(unit.square().sum(2, 3)).div(new Scalar((double) members * (members - 1)));
    float[] values = Tensors.toFloats(similarity);
    int windows = perSide * perSide;
    int count = windows;
    for (int t = 0; t < tiles; t++) {
      int first = t * windows;
      count = Math.min(count, (int) IntStream.range(first, first + windows).filter(i -> values[i] >= (float) threshold).count());
    }
    Tensor means = inWindows.mean(2).to(hidden.scalar_type());
    int[][] merged = new int[tiles][];
    int[][] others = new int[tiles][];
    Tensor[] rows = new Tensor[tiles];
    for (int t = 0; t < tiles; t++) {
      merged[t] = Arrays.copyOf(Vectors.ranked(Arrays.copyOfRange(values, t * windows, (t + 1) * windows)), count);
      BitSet gone = new BitSet();
      for (int w : merged[t]) gone.set(w);
      others[t] = IntStream.range(0, patches).filter(p -> !gone.get(p / side / window * perSide + p % side / window)).toArray();
      Tensor tile = hidden.select(0, t);
      rows[t] = torch.cat(new TensorVector(tile.narrow(0, 0, 1), means.select(0, t).index_select(0, Tensors.indices(merged[t],
          hidden.device())),
          tile.narrow(0, 1, patches).index_select(0, Tensors.indices(others[t], hidden.device()))), 0);
    }
    return new Merged(torch.stack(new TensorVector(rows), 0), merged, others);
  }

  /** Tokens by falling attention of the class token, the mean over heads: the first ceil(share * tokens). */
  public int[] keyTokens(Tensor classAttention) {
    float[] attention = Tensors.toFloats(classAttention.to(ScalarType.Float).mean(0));
    return Arrays.copyOf(Vectors.ranked(attention), (int) Math.ceil(keyShare * attention.length));
  }

  private final class Behind implements TowerMerge {
    private final IntConsumer left;
    private Merged merged;
    private int side;

    Behind(IntConsumer left) { this.left = left; }

    @Override public Tensor afterBlock(int block, Tensor hidden) {
      if (block != 0) return hidden;
      side = (int) Math.round(Math.sqrt(hidden.size(1) - 1.0));
      merged = merge(hidden);
      left.accept((int) merged.rows().size(0) * ((int) merged.rows().size(1) - 1));
      return merged.windows()[0].length == 0 ? hidden : merged.rows();
    }

    @Override public int[][] patchNumbers() {
      if (merged == null) return null;
      int[][] numbers = new int[merged.windows().length][];
      for (int t = 0; t < numbers.length; t++) {
        IntStream first = Arrays.stream(merged.windows()[t]).map(w -> patchesOf(w)[0]);
        numbers[t] = IntStream.concat(first, IntStream.of(merged.others()[t])).toArray();
      }
      return numbers;
    }

    @Override public List<Reduction> result(VisionFacts facts) {
      List<Reduction> tiles = new ArrayList<>();
      int[][] numbers = patchNumbers();
      for (int t = 0; t < facts.tiles(); t++) {
        List<CutRecord.Merged> merges = new ArrayList<>();
        for (int w : merged.windows()[t]) {
          int[] from = patchesOf(w);
          merges.add(new CutRecord.Merged(from[0], from));
        }
        int[] keys = keyShare > 0 ? keyTokens(facts.classAttention(keyBlock, t)) : new int[0];
        tiles.add(new Reduction(numbers[t], facts.features(t), merges, null, keys));
      }
      return tiles;
    }

    private int[] patchesOf(int w) {
      int perSide = side / window;
      return IntStream.range(0, window * window)
          .map(i -> (w / perSide * window + i / window) * side + w % perSide * window + i % window).toArray();
    }

    @Override public void close() {}
  }
}
