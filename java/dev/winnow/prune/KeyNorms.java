package dev.winnow.prune;

import dev.winnow.kernels.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Scores tokens by the L1 norm of their rotated keys in the layer before the cut, over all heads, in float32 (DART). */
public record KeyNorms() implements Scorer {
  @Override public Spec spec() { return Spec.of("key-norms"); }

  @Override public Input input() { return Input.LAYER_BEFORE; }

  @Override public Tensor score(Candidates candidates) {
    return norms(candidates.keys().narrow(0, candidates.firstKey(),
        candidates.count()), candidates);
  }

  /** Norms of some rows' keys, float32 [rows.length]. */
  public static Tensor of(Candidates candidates, int[] rows) {
    int first = (int) candidates.keys().size(0) - candidates.view().origins().length;
    int[] numbers = Arrays.stream(rows).map(row -> first + row).toArray();
    return norms(candidates.keys().index_select(0, Tensors.indices(numbers, candidates.keys().device())), candidates);
  }

  /** The official code repeats grouped keys for every query head that reads them; the norm then counts each as often. */
  private static Tensor norms(Tensor keys, Candidates candidates) {
    double group = (double) candidates.queries().size(1) / keys.size(1);
    return keys.to(ScalarType.Float).abs().sum(1, 2).mul(new Scalar(group)).contiguous();
  }
}
