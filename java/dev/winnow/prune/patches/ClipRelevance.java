package dev.winnow.prune.patches;

import dev.winnow.prune.ClipFacts;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * CDPruner's relevance of patches to the question in CLIP's space: minus the cosine (CLIP's patch features point away from what they show),
 * mean over text segments, scaled to 0..1 over all tiles with 1e-6 added above the line only, as in the public code.
 */
public final class ClipRelevance {
  private static final double EPS = 1e-6;

  private ClipRelevance() {}

  /** float32 [tiles, patches]. */
  public static Tensor of(ClipFacts clip) {
    Tensor relevance = againstSegments(clip);
    Tensor low = relevance.min();
    return relevance.sub(low).add(new Scalar(EPS)).div(relevance.max().sub(low));
  }

  /** Minus the cosine with the pooled texts, mean over segments: float32 [tiles, patches]. */
  static Tensor againstSegments(ClipFacts clip) {
    return torch.mean(torch.matmul(Cosine.unit(clip.image()), Cosine.unit(clip.text()).t()), 2).neg();
  }
}
