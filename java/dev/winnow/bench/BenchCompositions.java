package dev.winnow.bench;

import static org.bytedeco.pytorch.global.torch.scaled_dot_product_attention;
import static org.bytedeco.pytorch.global.torch.zeros;

import dev.winnow.kernels.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The libtorch operations that users write for the steps of pruning, after the methods' public code. Results belong to the caller's scope.
 */
final class BenchCompositions {
  private BenchCompositions() {}

  /** One query [1, heads, D] against keys [m, heads, D]: float32 [count] from {@code first} on. */
  static Tensor scores(Tensor query, Tensor keys, long first, long count) {
    Tensor logits = query.transpose(0, 1).matmul(keys.permute(1, 2, 0)).mul(new Scalar(1 / Math.sqrt(keys.size(2))));
    return logits.softmax(-1, new ScalarTypeOptional(ScalarType.Float)).mean(new long[] {0, 1}, false, new ScalarTypeOptional())
        .narrow(0, first, count);
  }

  /** One query [1, heads, D] against keys and values [m, heads, D]. */
  static Tensor attention(Tensor query, Tensor keys, Tensor values) {
    return scaled_dot_product_attention(query.transpose(0, 1).unsqueeze(0), keys.transpose(0, 1).unsqueeze(0),
        values.transpose(0, 1).unsqueeze(0));
  }

  /** Ascending indices of the k largest, int64 [k]. */
  static Tensor top(Tensor scores, long k) {
    T_TensorTensor_T largest = scores.topk(k);
    return largest.get1().sort().get0();
  }

  /** For each row the most similar other one. */
  static Tensor nearest(Tensor x) {
    Tensor unit = normalised(x);
    return unit.matmul(unit.transpose(0, 1)).fill_diagonal_(new Scalar(Double.NEGATIVE_INFINITY)).max(1, false).get1();
  }

  /** Greedy MAP of a determinantal process (Chen et al., 2018), as CDPruner has it: Gram matrix of all pairs, then a loop over picks. */
  static Tensor determinantal(Tensor x, int k) {
    Tensor unit = normalised(x.to(ScalarType.Float));
    Tensor kernel = unit.matmul(unit.transpose(0, 1));
    Tensor left = kernel.diagonal().clone();
    Tensor columns = zeros(new long[] {k, x.size(0)});
    Tensor chosen = zeros(new long[] {k}).to(ScalarType.Long);
    for (int i = 0; i < k; i++) {
      Tensor best = left.argmax();
      chosen.narrow(0, i, 1).copy_(best);
      Tensor row = kernel.index_select(0, best.unsqueeze(0)).squeeze(0);
      if (i > 0) {
        Tensor before = columns.narrow(0, 0, i);
        row = row.sub(before.index_select(1, best.unsqueeze(0)).squeeze(1).unsqueeze(0).matmul(before).squeeze(0));
      }
      Tensor column = row.div(left.index_select(0, best.unsqueeze(0)).sqrt());
      columns.narrow(0, i, 1).squeeze(0).copy_(column);
      left.sub_(column.square());
      left.index_fill_(0, best.unsqueeze(0), new Scalar(Double.NEGATIVE_INFINITY));
    }
    return chosen.sort().get0();
  }

  /** A new tensor with the rows kept of one layer's cache [rows, ...], element by element as torch.gather wants it. */
  static Tensor gather(Tensor layer, Tensor keep) {
    long width = layer.numel() / layer.size(0);
    Tensor flat = layer.view(layer.size(0), width);
    return flat.gather(0, keep.unsqueeze(1).expand(new long[] {keep.size(0), width}, false));
  }

  /** The rows kept, moved to the front of the same cache. */
  static void selectAndCopyBack(Tensor layer, Tensor keep) { layer.narrow(0, 0, keep.size(0)).copy_(layer.index_select(0, keep)); }

  /** Mean of the rows of each group. */
  static Tensor merge(Tensor x, Tensor groupOfRow, long groups) {
    Tensor sums = zeros(new long[] {groups, x.size(1)}).index_add_(0, groupOfRow, x.to(ScalarType.Float));
    Tensor counts = zeros(new long[] {groups}).index_add_(0, groupOfRow, Tensors.floats(ones((int) x.size(0)), Tensors.CPU, x.size(0)));
    return sums.div(counts.unsqueeze(1)).to(x.scalar_type());
  }

  private static float[] ones(int n) {
    float[] ones = new float[n];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static Tensor normalised(Tensor x) {
    return x.div(x.norm(new ScalarOptional(new Scalar(2.0)), new long[] {1}, true));
  }
}
