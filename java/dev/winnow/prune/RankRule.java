package dev.winnow.prune;

import static org.bytedeco.pytorch.global.torch.linalg_svdvals;

import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import org.bytedeco.pytorch.Tensor;

/**
 * SparseVLM's first rule (its code at v1.0): as many tokens stay as the rank of the raters' attention says, trunc(rank * scale + bias), but
 * at least one goes; with a rank of the number of tokens all stay. The rank counts singular values above largest * max(raters, tokens) *
 * 2^-23. Needs a scorer that shows its evidence.
 */
public record RankRule(double scale, double bias) implements Selector {
  @Override public Spec spec() { return Spec.of("rank", "scale", scale, "bias", bias); }

  @Override public Needs needs() { return Needs.EVIDENCE; }

  @Override public int[] select(Candidates candidates, Tensor scores) {
    int present = candidates.count();
    int rank = rank(Selectors.evidence(scores));
    if (rank == present) return Selectors.all(present);
    int k = (int) Math.max(0, Math.min(rank * scale + bias, present - 1));
    return Kernels.top(Selectors.scoresAlone(scores), k);
  }

  /** Singular values of a float32 matrix above the tolerance. */
  public static int rank(Tensor matrix) {
    float[] singular = Tensors.toFloats(linalg_svdvals(matrix));
    float least = singular[0] * Math.max(matrix.size(0), matrix.size(1)) * Math.ulp(1f);
    int rank = 0;
    for (float value : singular) if (value > least) rank++;
    return rank;
  }
}
