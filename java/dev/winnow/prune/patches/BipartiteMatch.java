package dev.winnow.prune.patches;

import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * One merge of ToMe: tokens at even places look for the most similar token at an odd place, and the {@code r} with the closest match are
 * merged into it. Places count from 0, the class token is at 0.
 *
 * @param unmerged even places that stay, in output order: ascending with a class token, else by falling similarity
 * @param from even places that are merged, most similar first
 * @param into the odd place that each goes to
 * @param tokens before the merge
 */
public record BipartiteMatch(int[] unmerged, int[] from, int[] into, int tokens) {
  /** Most that one merge can take away. */
  public static int limit(int tokens, boolean classToken) { return (tokens - (classToken ? 1 : 0)) / 2; }

  /**
   * @param metric float32 [tokens, width]
   * @param r tokens to take away, limited to what is possible
   */
  public static BipartiteMatch of(Tensor metric, int r, boolean classToken) {
    int tokens = (int) metric.size(0);
    int count = Math.max(0, Math.min(r, limit(tokens, classToken)));
    if (count == 0) {
      int[] all = IntStream.range(0, (tokens + 1) / 2).map(i -> 2 * i).toArray();
      return new BipartiteMatch(all, new int[0], new int[0], tokens);
    }
    Tensor even = places(metric, 0);
    Tensor similarity = Cosine.between(even, places(metric, 1));
    if (classToken) similarity.select(0, 0).fill_(new Scalar(Double.NEGATIVE_INFINITY));
    int[] order = Order.falling(Tensors.toFloats(torch.amax(similarity, new long[] {1}, false)));
    int[] best = Tensors.toInts(torch.argmax(similarity, new LongOptional(1), false));
    int[] from = new int[count];
    int[] into = new int[count];
    for (int i = 0; i < count; i++) {
      from[i] = 2 * order[i];
      into[i] = 2 * best[order[i]] + 1;
    }
    int[] unmerged = Arrays.stream(order, count, order.length).map(place -> 2 * place).toArray();
    return new BipartiteMatch(classToken ? Order.ascending(unmerged) : unmerged, from, into, tokens);
  }

  private static Tensor places(Tensor metric, int first) {
    int count = (int) (metric.size(0) - first + 1) / 2;
    int[] rows = new int[count];
    for (int i = 0; i < count; i++) rows[i] = first + 2 * i;
    return Kernels.gatherRows(metric.contiguous(), rows);
  }

  /** Per output row the places that it is made of, its own first: unmerged even places, then all odd ones. */
  public int[][] members() {
    int odd = tokens / 2;
    int[][] members = new int[unmerged.length + odd][];
    for (int i = 0; i < unmerged.length; i++) members[i] = new int[] {unmerged[i]};
    for (int o = 0; o < odd; o++) {
      int place = 2 * o + 1;
      int[] merged = IntStream.range(0, from.length).filter(i -> into[i] == place).map(i -> from[i]).toArray();
      members[unmerged.length + o] = Order.concat(new int[] {place}, Order.ascending(merged));
    }
    return members;
  }

  /** Means weighted by size. {@code sizes} [tokens]; rows [tokens, width], contiguous. */
  public static Tensor mean(Tensor rows, int[][] members, float[] sizes) {
    float[] merged = sizes(members, sizes);
    float[][] weights = new float[members.length][];
    for (int s = 0; s < members.length; s++) {
      weights[s] = new float[members[s].length];
      for (int i = 0; i < weights[s].length; i++) weights[s][i] = sizes[members[s][i]] / merged[s];
    }
    return Kernels.mergeRows(rows, members, weights);
  }

  public static float[] sizes(int[][] members, float[] sizes) {
    float[] merged = new float[members.length];
    for (int s = 0; s < members.length; s++) for (int place : members[s]) merged[s] += sizes[place];
    return merged;
  }
}
