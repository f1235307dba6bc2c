package dev.winnow.prune;

import static org.bytedeco.pytorch.global.torch.cdist;
import static org.bytedeco.pytorch.global.torch.topk;
import static org.bytedeco.pytorch.global.torch.where;
import static org.bytedeco.pytorch.global.torch.zeros;

import dev.winnow.kernels.Tensors;
import dev.winnow.kernels.Vectors;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Recycles the best of the dropped tokens as a few cluster tokens: SparseVLM's reconstruction, density-peak clustering by k nearest
 * neighbours (Rodriguez and Laio, 2014; Du et al., 2016). Of n dropped tokens the trunc(share * n) + 1 with the highest scores are recycled
 * into trunc(recycled / perCluster) + 1 clusters. Each takes the place of its centre.
 *
 * @param share share of the dropped tokens that is recycled
 * @param perCluster recycled tokens per cluster
 * @param sum whether a cluster's token is the sum of its members, as in the paper, instead of their mean, as in the code
 */
public record DensityPeaks(double share, int perCluster, boolean sum) implements Merger {
  /** Distances without the shortcut by products: exactly symmetric, so that ties are ties. */
  private static final long WITHOUT_PRODUCTS = 2;

  @Override public Spec spec() {
    return Spec.of("density-peaks", "share", share, "per_cluster", perCluster, "reconstruction", sum ? "sum"
        : "mean");
  }

  /** Tokens recycled out of {@code dropped}. */
  public int recycled(int dropped) { return dropped == 0 ? 0 : Math.min(dropped, (int) (share * dropped) + 1); }

  /** Clusters made when {@code dropped} tokens go. */
  public int clusters(int dropped) { return dropped == 0 ? 0 : recycled(dropped) / perCluster + 1; }

  @Override public int most(int dropped) { return Math.min(clusters(dropped), recycled(dropped)); }

  @Override public Merge merge(Candidates candidates, float[] scores, int[] kept) {
    boolean[] stays = new boolean[candidates.count()];
    for (int i : kept) stays[i] = true;
    int[] pool = Arrays.stream(Vectors.ranked(scores)).filter(i -> !stays[i]).toArray();
    if (pool.length == 0) return null;
    int[] recycled = Arrays.copyOf(pool, recycled(pool.length));
    Clusters clusters = cluster(candidates.hidden(recycled), Math.min(clusters(pool.length), recycled.length));
    int[] into = Arrays.stream(clusters.centres()).map(i -> recycled[i]).toArray();
    int[][] from = new int[into.length][];
    for (int c = 0; c < from.length; c++) {
      int cluster = c;
      from[c] = IntStream.range(0, recycled.length).filter(i -> clusters.assignment()[i] == cluster).map(i -> recycled[i]).toArray();
    }
    return new Merge(into, from, clusters.rows());
  }

  /**
   * @param centres point numbers, by falling density times distance
   * @param assignment cluster of every point
   * @param rows [clusters, width], in the dtype of the points
   */
  public record Clusters(int[] centres, int[] assignment, Tensor rows) {}

  /**
   * Distances d are Euclidean over sqrt(width). Density = exp(-mean of d^2 to the {@code count} nearest points, itself included); a point's
   * reach is the distance to the nearest denser point, the largest distance of all where there is none. Centres are the points with the
   * highest density times reach (lower number on ties); every other point joins the nearest centre (the first on ties).
   *
   * @param points [n, width], n >= count
   */
  public Clusters cluster(Tensor points, int count) {
    Tensor wide = points.to(ScalarType.Float);
    int n = (int) wide.size(0);
    Tensor distances = cdist(wide, wide, 2.0, new LongOptional(WITHOUT_PRODUCTS)).div_(new Scalar(Math.sqrt(wide.size(1))));
    Tensor density = topk(distances, count, 1, false, true).get0().square().mean(1).neg().exp();
    Tensor denser = density.unsqueeze(0).gt(density.unsqueeze(1));
    Tensor reach = where(denser, distances, distances.max()).min(1).get0();
    float[] peak = Tensors.toFloats(density.mul(reach));
    int[] centres = Arrays.copyOf(Vectors.ranked(peak), count);
    float[] toCentres = Tensors.toFloats(distances.index_select(0, Tensors.indices(centres, wide.device())));
    int[] assignment = new int[n];
    for (int i = 0; i < n; i++) for (int c = 1; c < count; c++) if (toCentres[c * n + i] < toCentres[assignment[i] * n
        + i]) assignment[i] = c;
    for (int c = 0; c < count; c++) assignment[centres[c]] = c;
    Tensor rows = zeros(new long[] {count, wide.size(1)}, wide.options()).index_add_(0, Tensors.indices(assignment, wide.device()), wide);
    return new Clusters(centres, assignment, (sum ? rows : rows.div_(divisors(assignment, count, rows))).to(points.scalar_type()));
  }

  /** Members + 1e-6, as the official code divides: [clusters, 1]. */
  private static Tensor divisors(int[] assignment, int count, Tensor like) {
    float[] members = new float[count];
    for (int cluster : assignment) members[cluster]++;
    for (int c = 0; c < count; c++) members[c] += 1e-6f;
    return Tensors.floats(members, like.device(), count, 1);
  }
}
