package dev.winnow.prune.patches;

import dev.winnow.kernels.Tensors;
import dev.winnow.prune.PatchScorer;
import dev.winnow.prune.PatchScorers;
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
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * HoloV: the raster is cut into runs ("chunks"), each of which gets a quota by attention and by how its projected rows vary; inside a chunk
 * attention alone chooses, strongest first. A quota above the chunk's size is lost and padded with zero rows in the public code.
 *
 * @param block whose class attention counts, mean over heads
 * @param chunks per tile
 * @param tokens rows of one picture, all tiles together
 * @param refill whether a surplus goes to the next best chunks instead of becoming zero rows
 */
public record ChunkQuotas(int block, int chunks, int tokens, boolean refill) implements VisionReducer {
  private static final double EPS = 1e-6;
  private static final double VARIANCE_WEIGHT = 0.09;
  private static final double ATTENTION_SCALE = 1000;

  private PatchScorer scorer() { return PatchScorers.classAttention(block); }

  @Override public VisionNeeds needs() { return scorer().needs().withGrid(); }

  @Override public boolean keepsAll(int unpruned) { return tokens >= unpruned; }

  @Override public int most(int rows) { return Math.min(rows, tokens); }

  @Override public List<Reduction> reduce(VisionFacts facts) {
    List<Tensor> attention = scorer().score(facts);
    int[] shares = TileShares.equal(facts, facts.room(tokens));
    List<Reduction> tiles = new ArrayList<>();
    for (int t = 0; t < facts.tiles(); t++) {
      float[] own = Tensors.toFloats(attention.get(t));
      int[] begin = bounds(own.length);
      int[] quotas = quotas(chunkScores(facts.projected32(t), attention.get(t), begin), shares[t]);
      if (refill) refill(quotas, begin);
      int[] order = order(own, begin, quotas, shares[t]);
      tiles.add(new Reduction(order, rows(facts, t, order), List.of(), own));
    }
    return tiles;
  }

  /** First patch of every chunk, and the end: the first chunks are one larger where the number does not divide. */
  public int[] bounds(int patches) {
    int count = Math.min(chunks, patches);
    int[] begin = new int[count + 1];
    for (int c = 0; c < count; c++) begin[c + 1] = begin[c] + patches / count + (c < patches % count ? 1 : 0);
    return begin;
  }

  private float[] chunkScores(Tensor projected, Tensor attention, int[] begin) {
    float[] scores = new float[begin.length - 1];
    for (int c = 0; c < scores.length; c++) {
      int n = begin[c + 1] - begin[c];
      Tensor rows = projected.narrow(0, begin[c], n);
      Tensor unit = rows.div(Cosine.norm(rows).add(new Scalar(EPS)));
      Tensor similarity = torch.matmul(unit, unit.t()).fill_diagonal_(new Scalar(0));
      Scalar others = new Scalar((double) Math.max(1, n - 1));
      Tensor mean = torch.sum(similarity, new long[] {1}, true, new ScalarTypeOptional()).div(others);
      Tensor variance = torch.sum(similarity.sub(mean).square(), 1).div(others);
      Tensor scaled = attention.narrow(0, begin[c], n).mul(new Scalar(ATTENTION_SCALE));
      Tensor gamma = torch.mean(scaled.abs()).div(torch.mean(variance.abs()).add(new Scalar(EPS)));
      scores[c] = torch.mean(scaled.add(variance.mul(gamma).mul(new Scalar(VARIANCE_WEIGHT)))).item_float();
    }
    return scores;
  }

  private static int[] quotas(float[] scores, int total) {
    float sum = 0;
    for (float score : scores) sum += score;
    float[] weights = new float[scores.length];
    int[] quotas = new int[scores.length];
    int given = 0;
    for (int c = 0; c < scores.length; c++) {
      weights[c] = scores[c] / (sum + (float) EPS);
      quotas[c] = (int) (weights[c] * total);
      given += quotas[c];
    }
    int[] best = Order.falling(weights);
    for (int i = 0; i < total - given; i++) quotas[best[i % best.length]]++;
    return quotas;
  }

  /** What does not fit into a chunk goes to those that have room, in raster order. */
  private static void refill(int[] quotas, int[] begin) {
    int surplus = 0;
    for (int c = 0; c < quotas.length; c++) {
      surplus += Math.max(0, quotas[c] - (begin[c + 1] - begin[c]));
      quotas[c] = Math.min(quotas[c], begin[c + 1] - begin[c]);
    }
    for (int c = 0; c < quotas.length; c++) {
      int more = Math.min(surplus, begin[c + 1] - begin[c] - quotas[c]);
      quotas[c] += more;
      surplus -= more;
    }
  }

  private static int[] order(float[] attention, int[] begin, int[] quotas, int total) {
    int[] order = new int[0];
    for (int c = 0; c < quotas.length; c++) {
      int first = begin[c];
      int[] best = quotas[c] >= begin[c + 1] - first ? IntStream.range(0, begin[c + 1] - first).toArray()
          : Arrays.copyOf(Order.falling(Arrays.copyOfRange(attention, first, begin[c + 1])), quotas[c]);
      order = Order.concat(order, Arrays.stream(best).map(i -> first + i).toArray());
    }
    int found = order.length;
    order = Arrays.copyOf(order, total);
    Arrays.fill(order, found, total, Reduction.NO_PATCH);
    return order;
  }

  private static Tensor rows(VisionFacts facts, int t, int[] order) {
    Tensor rows = facts.projected(t);
    int[] patches = Arrays.stream(order).filter(patch -> patch != Reduction.NO_PATCH).toArray();
    Tensor chosen = rows.index_select(0, Tensors.indices(patches, rows.device()));
    if (patches.length == order.length) return chosen;
    Tensor zeros = torch.zeros_like(rows.narrow(0, 0, 1)).expand(order.length - patches.length, rows.size(1));
    return torch.cat(new TensorVector(chosen, zeros), 0);
  }
}
