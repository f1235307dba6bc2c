package dev.winnow.prune.patches;

import dev.winnow.prune.ClipFacts;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * CDPruner's relevance of patches to the question in CLIP's space: minus the cosine (CLIP's patch features point away from what they show),
 * mean over text segments, scaled to 0..1 over all tiles with 1e-6 added above the line only, as in the public code. Where all are
 * equally relevant, which divides by zero there, they count alike.
 */
public final class ClipRelevance {
  private static final double EPS = 1e-6;
  private static final double LEAST_RANGE = 1e-12;

  private ClipRelevance() {}

  /** Per tile float32 [patches]. */
  public static List<Tensor> of(ClipFacts clip) {
    List<Tensor> relevance = clip.image().stream().map(tile -> againstSegments(tile, clip.text())).toList();
    Tensor all = torch.cat(new TensorVector(relevance.toArray(new Tensor[0])), 0);
    Tensor low = all.min();
    Tensor range = all.max().sub(low).clamp_min(new Scalar(LEAST_RANGE));
    return relevance.stream().map(tile -> tile.sub(low).add(new Scalar(EPS)).div(range)).toList();
  }

  /**
   * Minus the cosine with the pooled texts, mean over segments: float32 [patches].
   *
   * @param tile [patches, width]
   * @param text [segments, width]
   */
  static Tensor againstSegments(Tensor tile, Tensor text) {
    return torch.mean(torch.matmul(Cosine.unit(tile), Cosine.unit(text).t()), 1).neg();
  }
}
