package dev.winnow.prune;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.softmax;

import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Text attention corrected for the pull of short distances, over the heads that look at the image most: version 2_0 of SparseVLM's code.
 * The softmax probability of rater and token is divided by {@link #weight} of their distance in original positions, without renormalising;
 * heads are ranked by the sum over raters and tokens, and the mean over the first {@code heads} of them and over the raters is the score.
 *
 * @param raters which text rows count
 * @param heads heads that count, all where the model has fewer
 * @param theta base of the rotary frequencies
 */
public record CorrectedTextAttention(TextAttention.Raters raters, int heads, double theta) implements Scorer {
  @Override public Spec spec() {
    return Spec.of("corrected-text-attention", "raters", PlanWords.of(raters), "heads", heads, "theta", theta);
  }

  @Override public Input input() { return Input.LAYER_BEFORE; }

  @Override public boolean showsEvidence() { return true; }

  @Override public boolean choosesRaters() { return raters != TextAttention.Raters.ALL; }

  @Override public int[] raters(Candidates entrance) { return new TextAttention(raters, TextAttention.Pool.MEAN).raters(entrance); }

  /** (2 / sqrt(D)) * sum over i < D/2 of cos(distance * theta^(-2i/D)): rotated rows of ones, multiplied and scaled as in attention. */
  public static double weight(int distance, int headDim, double theta) {
    double sum = 0;
    for (int i = 0; i < headDim / 2; i++) sum += Math.cos(distance * Math.pow(theta, -2.0 * i / headDim));
    return 2 / Math.sqrt(headDim) * sum;
  }

  @Override public Tensor score(Candidates candidates) {
    int[] rows = rows(candidates);
    if (rows.length == 0) return candidates.attentionOf(rows).sum(0).unsqueeze(0);
    Tensor corrected = corrected(candidates, rows);
    Tensor map = corrected.index_select(0, Tensors.indices(strongest(corrected), corrected.device())).mean(0);
    return cat(new TensorVector(map.mean(0).unsqueeze(0), map), 0);
  }

  /** The heads that count, ascending; none where no row rates. */
  public int[] strongest(Candidates candidates) {
    int[] rows = rows(candidates);
    return rows.length == 0 ? new int[0] : strongest(corrected(candidates, rows));
  }

  private int[] strongest(Tensor corrected) { return Kernels.top(corrected.sum(1, 2).contiguous(), heads); }

  private int[] rows(Candidates candidates) {
    return raters == TextAttention.Raters.ALL ? candidates.textRows() : candidates.rowsAt(candidates.notes().raters());
  }

  private Tensor corrected(Candidates candidates, int[] rows) {
    return perHead(candidates, rows).mul_(inverseWeights(candidates, rows));
  }

  /** Softmax attention of some rows to the candidates in every head: float32 [heads, rows, candidates]. */
  private static Tensor perHead(Candidates candidates, int[] rows) {
    Tensor queries = candidates.queries().index_select(0, Tensors.indices(rows, candidates.queries().device())).to(ScalarType.Float);
    Tensor keys = candidates.keys().to(ScalarType.Float);
    long group = queries.size(1) / keys.size(1);
    if (group > 1) keys = keys.repeat_interleave(group, new LongOptional(1), new LongOptional());
    int m = (int) keys.size(0);
    int first = m - candidates.view().origins().length;
    float[] unseen = new float[rows.length * m];
    for (int r = 0; r < rows.length; r++) for (int k = first + rows[r] + 1; k < m; k++) unseen[r * m + k] = Float.NEGATIVE_INFINITY;
    Tensor logits = queries.transpose(0, 1).matmul(keys.permute(1, 2, 0)).div_(new Scalar(Math.sqrt(queries.size(2))));
    Tensor map = softmax(logits.add_(Tensors.floats(unseen, keys.device(), 1, rows.length, m)), 2);
    return map.narrow(2, candidates.firstKey(), candidates.count()).contiguous();
  }

  private Tensor inverseWeights(Candidates candidates, int[] rows) {
    int headDim = (int) candidates.queries().size(2);
    int n = candidates.count();
    int[] origins = candidates.view().origins();
    int start = candidates.segment().start();
    double[] byDistance = new double[origins[rows[rows.length - 1]] - start + 1];
    for (int d = 0; d < byDistance.length; d++) byDistance[d] = weight(d, headDim, theta);
    float[] inverse = new float[rows.length * n];
    for (int r = 0; r < rows.length; r++) {
      for (int j = 0; j < n; j++) inverse[r * n + j] = (float) (1 / byDistance[origins[rows[r]] - start - candidates.original()[j]]);
    }
    return Tensors.floats(inverse, candidates.queries().device(), 1, rows.length, n);
  }
}
