package dev.winnow.eval;

import static org.bytedeco.pytorch.global.torch.make_generator_cpu;

import dev.winnow.kernels.Greedy;
import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.RowAttention;
import dev.winnow.kernels.Similarity;
import dev.winnow.kernels.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** What {@link BenchKernels} measures: every kernel at the sizes of LLaVA-1.5, LLaVA-NeXT and video, with seeded data. */
final class BenchKernelCases {
  private static final int[] SIZES = {576, 2880, 20000};
  private static final int TEXT = 64;
  private static final int HEADS = 32;
  private static final int HEAD_DIM = 128;
  private static final int HIDDEN = 4096;
  /** Most bytes of a cache that is compacted. */
  private static final long CACHE_BYTES = 400L << 20;

  private BenchKernelCases() {}

  /** A case by name, whose data is made when its turn comes. */
  record Plan(String name, String size, Supplier<Case> prepare) {}

  /** The work of one case; each runs in a scope of its own. */
  record Case(Runnable ours, Runnable theirs, String beside, Runnable ceiling, long bytes, double operations) {}

  static List<Plan> all() {
    List<Plan> plans = new ArrayList<>();
    for (int n : SIZES) plans.add(new Plan("score", "1 row, " + n + " of " + (n + TEXT), () -> score(n)));
    for (int n : SIZES) plans.add(new Plan("row attention", "1 row, " + (n + TEXT) + " keys", () -> attention(n + TEXT)));
    for (int n : SIZES) plans.add(new Plan("select", n / 3 + " of " + n, () -> select(n)));
    for (int n : SIZES) plans.add(new Plan("gather", (n / 3 + TEXT) + " of " + (n + TEXT) + " x 4096", () -> gather(n)));
    for (int n : SIZES) plans.add(new Plan("compact / gather", layers(n) + " x " + (n + TEXT) + " to " + (n / 3 + TEXT), () -> compact(n, false)));
    for (int n : SIZES) plans.add(new Plan("compact / copy back", layers(n) + " x " + (n + TEXT) + " to " + (n / 3 + TEXT), () -> compact(n, true)));
    for (int n : new int[] {576, 2880}) plans.add(new Plan("similarity argmax", n + " x " + HIDDEN, () -> nearest(n)));
    plans.add(new Plan("dpp", "64 of 576 x 1024", () -> determinantal(576, 64)));
    plans.add(new Plan("dpp", "192 of 576 x 1024", () -> determinantal(576, 192)));
    plans.add(new Plan("dpp", "320 of 2880 x 1024", () -> determinantal(2880, 320)));
    for (int n : SIZES) plans.add(new Plan("merge mean", n + " to " + n / 9 + " x 4096", () -> merge(n)));
    return plans;
  }

  private static Case score(int n) {
    Tensor query = noise(ScalarType.BFloat16, 1, HEADS, HEAD_DIM);
    Tensor keys = noise(ScalarType.BFloat16, n + TEXT, HEADS, HEAD_DIM);
    return new Case(() -> Kernels.attentionScores(query, keys, TEXT / 2, n), () -> BenchCompositions.scores(query, keys, TEXT / 2, n), "matmul + softmax + mean",
        reading(bytes(keys)), bytes(keys), 2.0 * keys.numel());
  }

  private static Case attention(int m) {
    Tensor query = noise(ScalarType.BFloat16, 1, HEADS, HEAD_DIM);
    Tensor cache = noise(ScalarType.BFloat16, m, 2, HEADS, HEAD_DIM);
    Tensor keys = cache.select(1, 0);
    Tensor values = cache.select(1, 1);
    return new Case(() -> RowAttention.run(query, keys, values), () -> BenchCompositions.attention(query, keys, values), "scaled_dot_product_attention",
        reading(bytes(cache)), bytes(cache), 2.0 * cache.numel());
  }

  private static Case select(int n) {
    Tensor scores = noise(ScalarType.Float, n);
    return new Case(() -> Kernels.top(scores, n / 3), () -> BenchCompositions.top(scores, n / 3), "topk + sort", reading(4L * n), 4L * n, 0);
  }

  private static Case gather(int n) {
    Tensor rows = noise(ScalarType.BFloat16, n + TEXT, HIDDEN);
    int[] keep = keep(n);
    long bytes = 2L * keep.length * HIDDEN * 2;
    return new Case(() -> Kernels.gatherRows(rows, keep), () -> rows.index_select(0, Tensors.indices(keep, Tensors.CPU)), "index_select", copying(bytes), bytes, 0);
  }

  private static int layers(int n) { return (int) Math.max(1, Math.min(32, CACHE_BYTES / ((n + TEXT) * 4L * HEADS * HEAD_DIM))); }

  private static Case compact(int n, boolean copyBack) {
    Tensor[] planes = new Tensor[layers(n)];
    for (int i = 0; i < planes.length; i++) planes[i] = noise(ScalarType.BFloat16, n + TEXT, 2, HEADS, HEAD_DIM);
    int[] keep = keep(n);
    int[][] lists = new int[planes.length][];
    Arrays.fill(lists, keep);
    Tensor indices = Tensors.indices(keep, Tensors.CPU);
    long moved = 0;
    for (int i = 0; i < keep.length; i++) if (keep[i] != i) moved++;
    long bytes = 2 * moved * planes.length * 4 * HEADS * HEAD_DIM;
    Runnable theirs = () -> {
      for (Tensor plane : planes) {
        for (int half = 0; half < 2; half++) {
          Tensor rows = plane.select(1, half);
          if (copyBack) BenchCompositions.selectAndCopyBack(rows, indices);
          else BenchCompositions.gather(rows, indices);
        }
      }
    };
    return new Case(() -> Kernels.compactRows(planes, lists), theirs, copyBack ? "index_select + copy back" : "gather per tensor", copying(bytes), bytes, 0);
  }

  private static Case nearest(int n) {
    Tensor x = noise(ScalarType.BFloat16, n, HIDDEN);
    return new Case(() -> Similarity.nearest(x, Similarity.Metric.COSINE, 0), () -> BenchCompositions.nearest(x), "normalise + matmul + max", reading(bytes(x)), bytes(x),
        (double) n * n * HIDDEN);
  }

  private static Case determinantal(int n, int k) {
    Tensor x = noise(ScalarType.Float, n, 1024);
    double operations = 2.0 * k * n * 1024 + (double) k * k * n;
    return new Case(() -> Greedy.choose(Greedy.Objective.DPP, x, null, null, 1, 0, k), () -> BenchCompositions.determinantal(x, k),
        "Gram + loop", reading(bytes(x)), bytes(x), operations);
  }

  /** Groups of nine neighbours. */
  private static Case merge(int n) {
    Tensor x = noise(ScalarType.BFloat16, n, HIDDEN);
    int groups = n / 9;
    int[][] members = new int[groups][9];
    float[][] weights = new float[groups][9];
    int[] groupOfRow = new int[9 * groups];
    for (int i = 0; i < groupOfRow.length; i++) {
      groupOfRow[i] = i / 9;
      members[i / 9][i % 9] = i;
      weights[i / 9][i % 9] = 1f / 9;
    }
    Tensor used = x.narrow(0, 0, groupOfRow.length);
    long bytes = bytes(used) + 2L * groups * HIDDEN;
    Tensor index = Tensors.indices(groupOfRow, Tensors.CPU);
    return new Case(() -> Kernels.mergeRows(used, members, weights), () -> BenchCompositions.merge(used, index, groups), "index_add + divide",
        reading(bytes), bytes, 2.0 * used.numel());
  }

  /** A third of the image's rows, seeded, and all text around it. */
  private static int[] keep(int n) {
    Tensor scores = noise(ScalarType.Float, n);
    int[] image = Kernels.top(scores, n / 3);
    int[] keep = new int[image.length + TEXT];
    for (int i = 0; i < TEXT / 2; i++) {
      keep[i] = i;
      keep[TEXT / 2 + image.length + i] = TEXT / 2 + n + i;
    }
    for (int i = 0; i < image.length; i++) keep[TEXT / 2 + i] = TEXT / 2 + image[i];
    return keep;
  }

  private static Runnable reading(long bytes) {
    Tensor data = noise(ScalarType.Float, Math.max(1, bytes / 4));
    return data::sum;
  }

  /** @param bytes read and written together */
  private static Runnable copying(long bytes) {
    Tensor from = noise(ScalarType.Float, Math.max(1, bytes / 8));
    Tensor to = noise(ScalarType.Float, from.numel());
    return () -> to.copy_(from);
  }

  private static long bytes(Tensor tensor) { return tensor.numel() * tensor.element_size(); }

  private static Tensor noise(ScalarType type, long... shape) {
    return Tensors.uninitialised(type, Tensors.CPU, shape).uniform_(-1, 1, new GeneratorOptional(make_generator_cpu(1)));
  }
}
