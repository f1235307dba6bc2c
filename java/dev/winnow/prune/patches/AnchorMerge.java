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
 * RESTORE's merge of rows into distinctive anchors. With C the cosines and R_i their sum over all rows, anchors are the rows with the
 * largest R_i (1 - m_i), m_i the largest cosine with a row of smaller R (0 for the row of the smallest); every other row goes to its most
 * similar anchor.
 *
 * @param anchors row numbers, ascending
 * @param groups per anchor all rows that go into it, ascending
 */
public record AnchorMerge(int[] anchors, int[][] groups) {
  /** @param rows float32 [rows, width], contiguous */
  public static AnchorMerge of(Tensor rows, int count) {
    int n = (int) rows.size(0);
    if (count <= 0 || n == 0) return new AnchorMerge(new int[0], new int[0][]);
    Tensor cosines = Cosine.between(rows, rows);
    Tensor density = torch.sum(cosines, 1);
    Tensor sparser = density.unsqueeze(0).lt(density.unsqueeze(1));
    Tensor closest = torch.amax(cosines.masked_fill(sparser.logical_not(), new Scalar(Double.NEGATIVE_INFINITY)), new long[] {1}, false);
    closest = closest.masked_fill(torch.isinf(closest), new Scalar(0));
    int[] anchors = Kernels.top(density.mul(closest.neg().add(new Scalar(1.0))).contiguous(), count);
    Tensor toAnchors = cosines.index_select(1, Tensors.indices(anchors, rows.device()));
    int[] nearest = Tensors.toInts(torch.argmax(toAnchors, new LongOptional(1), false));
    for (int a = 0; a < anchors.length; a++) nearest[anchors[a]] = a;
    int[][] groups = new int[anchors.length][];
    for (int a = 0; a < anchors.length; a++) {
      int anchor = a;
      groups[a] = IntStream.range(0, n).filter(row -> nearest[row] == anchor).toArray();
    }
    return new AnchorMerge(anchors, groups);
  }

  /** Means of groups of rows, [groups.length, width]; rows contiguous. */
  public static Tensor means(Tensor rows, int[][] groups) {
    float[][] weights = new float[groups.length][];
    for (int g = 0; g < groups.length; g++) {
      weights[g] = new float[groups[g].length];
      Arrays.fill(weights[g], 1f / groups[g].length);
    }
    return Kernels.mergeRows(rows, groups, weights);
  }

  /** The place that a merged row takes: the lower median of its members, which stand in the order of their patches. */
  public static int place(int[] members) { return members[(members.length - 1) / 2]; }
}
