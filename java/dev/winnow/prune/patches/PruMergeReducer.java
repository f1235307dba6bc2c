package dev.winnow.prune.patches;

import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Similarity;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.TileShares;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import dev.winnow.prune.VisionReducer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * LLaVA-PruMerge and PruMerge+: patches whose class attention (one head of full width) is an outlier are kept, in falling order; PruMerge+
 * adds patches on a raster stride. Every kept patch takes up its {@code neighbours} most similar patches by key, each times its attention;
 * the patches that are not kept become one more row, summed likewise. Rows are sums, not averages, as in the public code.
 *
 * @param block whose queries and keys are used; the one behind the features
 * @param plus whether the raster stride is added
 * @param count how many are kept
 * @param value tokens of one picture, extra rows included ({@code TOKENS}), or the share that is kept ({@code SHARE})
 */
public record PruMergeReducer(int block, boolean plus, Rule count, double value) implements VisionReducer {
  public static final int NEIGHBOURS = 32;
  private static final float EPS = 1e-12f;

  public enum Rule {
    /** As many as there are outliers. */
    OUTLIERS,
    /** A share of the patches, by attention. */
    SHARE,
    /** So many that the picture has this many rows: the fixed-budget variant of EffiVLM-Bench. */
    TOKENS
  }

  @Override public VisionNeeds needs() {
    VisionNeeds needs = VisionNeeds.projections(block);
    return plus ? needs.withGrid() : needs;
  }

  @Override public boolean keepsAll(int unpruned) { return count == Rule.TOKENS && value >= unpruned; }

  @Override public int most(int rows) { return count == Rule.TOKENS ? (int) Math.min(rows, value) : rows; }

  @Override public List<Reduction> reduce(VisionFacts facts) {
    Tensor attention = attention(facts);
    float[] all = Tensors.toFloats(attention);
    int n = facts.patches();
    // one threshold for all tiles, and each keeps the mean of their counts
    double share = Outliers.of(all).count() / (double) all.length;
    int outliers = (int) (n * share);
    int[] shares = count == Rule.TOKENS ? TileShares.equal(facts, facts.room((int) value)) : null;
    List<Reduction> tiles = new ArrayList<>();
    for (int t = 0; t < facts.tiles(); t++) {
      float[] own = Arrays.copyOfRange(all, t * n, (t + 1) * n);
      if (shares != null && shares[t] == 0) {
        tiles.add(Reduction.of(new int[0], own));
        continue;
      }
      int[] kept = switch (count) {
        case OUTLIERS -> plus ? Order.concat(strongest(own, outliers), supplement(own, outliers, share)) : strongest(own, outliers);
        case SHARE -> plus ? Order.concat(strongest(own, (int) (n * value)), everyStep(n, (int) (1 / value)))
            : strongest(own, (int) (n * value));
        case TOKENS -> plus ? filled(own, (int) Math.max(1, n * meanShare(all, n)), shares[t] - 1) : strongest(own, shares[t] - 1);
      };
      tiles.add(merge(facts, t, own, kept));
    }
    return tiles;
  }

  /** Attention of the class token over the patches, not renormalised without its own share: float32 [tiles, patches]. */
  public Tensor attention(VisionFacts facts) {
    Tensor keys = wide(facts.keys(block));
    Tensor query = wide(facts.queries(block)).narrow(1, 0, 1).mul(new Scalar(Math.pow(keys.size(2), -0.5)));
    Tensor logits = torch.matmul(query, keys.transpose(1, 2)).squeeze(1);
    return torch.softmax(logits, -1).narrow(1, 1, facts.patches()).contiguous();
  }

  /** Heads side by side, float32 [tiles, tokens, width]. */
  private static Tensor wide(Tensor heads) {
    Tensor rows = heads.transpose(1, 2);
    return rows.reshape(rows.size(0), rows.size(1), rows.size(2) * rows.size(3)).to(torch.ScalarType.Float);
  }

  private static int[] strongest(float[] attention, int m) { return Arrays.copyOf(Order.falling(attention), Math.max(0, m)); }

  /** The step of the supplement for a share of outliers: without any, where the public code divides by zero, that for one. */
  public static int stride(int patches, double share) {
    int step = (int) (1 / (share > 0 ? share : 1.0 / patches));
    return Math.max(1, step / 3);
  }

  /** Patches on the stride that are not kept already, ascending; the last patch is never among them. */
  private static int[] supplement(float[] attention, int outliers, double share) {
    return without(raster(0, attention.length - 1, stride(attention.length, share)), strongest(attention, outliers));
  }

  private static int[] raster(int from, int to, int step) {
    return IntStream.iterate(from, i -> i < to, i -> i + step).toArray();
  }

  /** The supplement of a fixed share, which may repeat patches that are kept already; it too stops before the last patch. */
  private static int[] everyStep(int patches, int step) { return raster(step / 2, patches - 1, step); }

  /** EffiVLM-Bench has a threshold for each tile, and takes the mean of their shares of outliers. */
  private static double meanShare(float[] attention, int patches) {
    double sum = 0;
    for (int first = 0; first < attention.length; first += patches) {
      sum += Outliers.of(Arrays.copyOfRange(attention, first, first + patches)).count() / (double) patches;
    }
    return sum / (attention.length / patches);
  }

  private static int[] filled(float[] attention, int outliers, int total) {
    if (total <= outliers) return strongest(attention, total);
    int[] kept = strongest(attention, outliers);
    int[] grid = without(raster(0, attention.length, Math.max(1, attention.length / total)), kept);
    return Order.concat(kept, Arrays.copyOf(grid, total - outliers));
  }

  private static int[] without(int[] values, int[] taken) {
    return Arrays.stream(values).filter(value -> Arrays.stream(taken).noneMatch(other -> other == value)).toArray();
  }

  /**
   * Patches that go into the extra row. Where a patch is kept twice, the public routine loses as many of the lowest others; that is what
   * the published fixed-share variant computes.
   */
  private static int[] complement(int patches, int[] kept) {
    boolean[] taken = new boolean[patches];
    for (int patch : kept) taken[patch] = true;
    int[] rest = IntStream.range(0, patches).filter(patch -> !taken[patch]).toArray();
    return Arrays.copyOfRange(rest, rest.length - (patches - kept.length), rest.length);
  }

  /**
   * Per kept patch the patches that it takes up, most similar first. Among equals, and where a patch is kept twice, the public code's list
   * of candidates counts: what is kept, then the others.
   */
  public int[][] neighbours(VisionFacts facts, int tile, int[] kept) {
    Tensor keys = wide(facts.keys(block)).select(0, tile).narrow(0, 1, facts.patches()).contiguous();
    int[] candidates = Order.concat(kept, complement(facts.patches(), kept));
    int[] pivots = IntStream.range(0, kept.length).toArray();
    int[][] places = Similarity.neighbours(Kernels.gatherRows(keys, candidates), pivots, NEIGHBOURS, EPS);
    int[][] neighbours = new int[kept.length][];
    for (int s = 0; s < kept.length; s++) neighbours[s] = Arrays.stream(places[s]).map(place -> candidates[place]).toArray();
    return neighbours;
  }

  private Reduction merge(VisionFacts facts, int t, float[] attention, int[] kept) {
    int[][] neighbours = neighbours(facts, t, kept);
    int[][] members = new int[kept.length + 1][];
    List<CutRecord.Merged> merges = new ArrayList<>();
    for (int s = 0; s < kept.length; s++) {
      members[s] = Order.concat(new int[] {kept[s]}, neighbours[s]);
      if (neighbours[s].length > 0) merges.add(new CutRecord.Merged(kept[s], Order.ascending(members[s])));
    }
    int[] rest = complement(facts.patches(), kept);
    members[kept.length] = rest;
    merges.add(new CutRecord.Merged(Reduction.NO_PATCH, rest));
    float[][] weights = new float[members.length][];
    for (int s = 0; s < members.length; s++) {
      weights[s] = new float[members[s].length];
      for (int i = 0; i < weights[s].length; i++) weights[s][i] = s < kept.length && i == 0 ? 1 : attention[members[s][i]];
    }
    Tensor rows = Kernels.mergeRows(facts.features(t).contiguous(), members, weights);
    return new Reduction(Order.concat(kept, new int[] {Reduction.NO_PATCH}), rows, merges, attention);
  }
}
