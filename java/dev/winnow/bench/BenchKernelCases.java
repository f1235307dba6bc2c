package dev.winnow.bench;

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

/**
 * What {@code winnow bench kernels} and the JMH benchmarks measure: every kernel at the sizes of LLaVA-1.5, LLaVA-NeXT and video, with
 * seeded data, beside the libtorch composition. Both sides take tensors and give tensors, unless the name says otherwise.
 */
public final class BenchKernelCases {
  private static final int[] SIZES = {576, 2880, 20000};
  private static final int TEXT = 64;
  private static final int HEADS = 32;
  private static final int HEAD_DIM = 128;
  private static final int HIDDEN = 4096;
  /** Most bytes of a cache that is compacted. */
  private static final long CACHE_BYTES = 400L << 20;
  /** Data of cases that take turns over several layers: more than the caches of a processor hold, as in a running model. */
  private static final long TURNS_BYTES = 160L << 20;

  private BenchKernelCases() {}

  /** A case by name, whose data is made when its turn comes. */
  public record Plan(String name, String size, int tokens, Supplier<Case> prepare) {}

  /** What the work is bound by: reading, or reading and writing alike. */
  public enum Traffic { READ, COPY }

  /**
   * The work of one case; each runs in a scope of its own.
   *
   * @param bytes that must be read and written, each once, in a call
   * @param touched bytes that a series of calls comes back to; where they fit the processor's caches, memory is not what is measured
   * @param operations floating-point operations of a call; 0 where there is no arithmetic to speak of
   */
  public record Case(Runnable ours, Runnable theirs, String beside, Traffic traffic, long bytes, long touched, double operations) {}

  public static List<Plan> all() {
    List<Plan> plans = new ArrayList<>();
    for (int n : SIZES) plans.add(new Plan("score", "1 row, " + n + " of " + (n + TEXT), n, () -> score(n, false)));
    for (int n : SIZES) plans.add(new Plan("score [K|V]", "1 row, " + n + " of " + (n + TEXT), n, () -> score(n, true)));
    for (int n : SIZES) plans.add(new Plan("row attention", "1 row, " + (n + TEXT) + " keys", n, () -> attention(n + TEXT)));
    for (int n : SIZES) plans.add(new Plan("select", n / 3 + " of " + n, n, () -> select(n)));
    for (int n : SIZES) plans.add(new Plan("select to Java array", n / 3 + " of " + n, n, () -> selectToJava(n)));
    for (int n : SIZES) plans.add(new Plan("gather", (n / 3 + TEXT) + " of " + (n + TEXT) + " x 4096", n, () -> gather(n)));
    for (int n : SIZES) plans.add(new Plan("compact / gather", compaction(n), n, () -> compact(n, false)));
    for (int n : SIZES) plans.add(new Plan("compact / copy back", compaction(n), n, () -> compact(n, true)));
    for (int n : new int[] {576, 2880}) plans.add(new Plan("similarity argmax", n + " x " + HIDDEN, n, () -> nearest(n)));
    plans.add(new Plan("dpp", "64 of 576 x 1024", 576, () -> determinantal(576, 64)));
    plans.add(new Plan("dpp", "192 of 576 x 1024", 576, () -> determinantal(576, 192)));
    plans.add(new Plan("dpp", "320 of 2880 x 1024", 2880, () -> determinantal(2880, 320)));
    for (int n : SIZES) plans.add(new Plan("merge mean", n + " to " + n / 9 + " x 4096", n, () -> merge(n)));
    return plans;
  }

  /** @param interleaved keys as they lie in a cache whose rows are [K|V] */
  private static Case score(int n, boolean interleaved) {
    Tensor query = noise(ScalarType.BFloat16, 1, HEADS, HEAD_DIM);
    int m = n + TEXT;
    Turns keys = new Turns(() -> interleaved ? noise(ScalarType.BFloat16, m, 2, HEADS, HEAD_DIM).select(1, 0)
        : noise(ScalarType.BFloat16, m, HEADS, HEAD_DIM));
    long bytes = bytes(keys.next());
    return new Case(() -> Kernels.attentionScores(query, keys.next(), TEXT / 2, n),
        () -> BenchCompositions.scores(query, keys.next(), TEXT / 2, n),
        "matmul + softmax + mean", Traffic.READ, bytes, keys.bytes(), 2.0 * m * HEADS * HEAD_DIM);
  }

  private static Case attention(int m) {
    Tensor query = noise(ScalarType.BFloat16, 1, HEADS, HEAD_DIM);
    Turns caches = new Turns(() -> noise(ScalarType.BFloat16, m, 2, HEADS, HEAD_DIM));
    long bytes = bytes(caches.next());
    Runnable ours = () -> {
      Tensor cache = caches.next();
      RowAttention.run(query, cache.select(1, 0), cache.select(1, 1));
    };
    Runnable theirs = () -> {
      Tensor cache = caches.next();
      BenchCompositions.attention(query, cache.select(1, 0), cache.select(1, 1));
    };
    return new Case(ours, theirs, "scaled_dot_product_attention", Traffic.READ, bytes, caches.bytes(), 4.0 * m * HEADS * HEAD_DIM);
  }

  private static Case select(int n) {
    Tensor scores = noise(ScalarType.Float, n);
    Tensor keep = Tensors.uninitialised(ScalarType.Int, Tensors.CPU, n / 3);
    return new Case(() -> Kernels.top(scores, keep), () -> BenchCompositions.top(scores, n / 3), "topk + sort", Traffic.READ, 4L * n,
        4L * n, 0);
  }

  private static Case selectToJava(int n) {
    Tensor scores = noise(ScalarType.Float, n);
    return new Case(() -> Kernels.top(scores, n / 3), () -> Tensors.toInts(BenchCompositions.top(scores, n / 3)), "topk + sort, to int[]",
        Traffic.READ, 4L * n, 4L * n, 0);
  }

  private static Case gather(int n) {
    Turns rows = new Turns(() -> noise(ScalarType.BFloat16, n + TEXT, HIDDEN));
    int[] keep = keep(n);
    Tensor list = Tensors.int32(keep, Tensors.CPU);
    Tensor indices = Tensors.indices(keep, Tensors.CPU);
    long bytes = 2L * keep.length * HIDDEN * 2;
    return new Case(() -> Kernels.gatherRows(rows.next(), list), () -> rows.next().index_select(0, indices), "index_select", Traffic.COPY,
        bytes, rows.bytes(), 0);
  }

  private static int layers(int n) { return (int) Math.max(1, Math.min(32, CACHE_BYTES / ((n + TEXT) * 4L * HEADS * HEAD_DIM))); }

  private static String compaction(int n) { return layers(n) + " x " + (n + TEXT) + " to " + (n / 3 + TEXT); }

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
    return new Case(() -> Kernels.compactRows(planes, lists), theirs, copyBack ? "index_select + copy back" : "gather per tensor",
        Traffic.COPY, bytes, bytes(planes[0]) * planes.length, 0);
  }

  private static Case nearest(int n) {
    Tensor x = noise(ScalarType.BFloat16, n, HIDDEN);
    return new Case(() -> Similarity.nearest(x, Similarity.Metric.COSINE, 0), () -> BenchCompositions.nearest(x),
        "normalise + matmul + max", Traffic.READ, bytes(x), bytes(x), (double) n * n * HIDDEN);
  }

  private static Case determinantal(int n, int k) {
    Tensor x = noise(ScalarType.Float, n, 1024);
    double operations = 2.0 * k * n * 1024 + (double) k * k * n;
    return new Case(() -> Greedy.choose(Greedy.Objective.DPP, x, null, null, 1, 0, k), () -> BenchCompositions.determinantal(x, k),
        "Gram + loop", Traffic.READ, bytes(x), bytes(x), operations);
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
    return new Case(() -> Kernels.mergeRows(used, members, weights), () -> BenchCompositions.merge(used, index, groups),
        "index_add + divide", Traffic.READ, bytes, bytes, 2.0 * used.numel());
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

  /** Tensors of several layers, handed out in turn, so that a call finds its data in memory and not in a cache. */
  private static final class Turns {
    private final Tensor[] tensors;
    private int at;

    Turns(Supplier<Tensor> make) {
      Tensor first = make.get();
      tensors = new Tensor[(int) Math.max(1, TURNS_BYTES / BenchKernelCases.bytes(first))];
      tensors[0] = first;
      for (int i = 1; i < tensors.length; i++) tensors[i] = make.get();
    }

    Tensor next() {
      at = (at + 1) % tensors.length;
      return tensors[at];
    }

    long bytes() { return BenchKernelCases.bytes(tensors[0]) * tensors.length; }
  }

  private static long bytes(Tensor tensor) { return tensor.numel() * tensor.element_size(); }

  private static Tensor noise(ScalarType type, long... shape) {
    return Tensors.uninitialised(type, Tensors.CPU, shape).uniform_(-1, 1, new GeneratorOptional(make_generator_cpu(1)));
  }
}
