package dev.winnow.prune;

import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.SplitMix;
import dev.winnow.kernels.Tensors;
import org.bytedeco.pytorch.Tensor;

/** The scorers that methods share. */
public final class Scorers {
  private Scorers() {}

  /**
   * Attention that the newest row pays to each candidate: softmax over all visible keys, then mean over heads.
   *
   * @param input LAYER_BEFORE (FastV) or LAYER_ITSELF (PyramidDrop)
   */
  public static Scorer lastRowAttention(Scorer.Input input) {
    return new Scorer() {
      @Override public Spec spec() {
        return Spec.of("last-row-attention", "of", input == Input.LAYER_ITSELF ? "layer-itself" : "layer-before");
      }

      @Override public Input input() { return input; }

      @Override public Tensor score(Candidates candidates) {
        Tensor newest = candidates.queries().narrow(0, candidates.queries().size(0) - 1, 1);
        return Kernels.attentionScores(newest, candidates.keys(), candidates.firstKey(), candidates.count());
      }
    };
  }

  /** Reproducible noise, a different one for every image: the honest baseline. */
  public static Scorer random(long seed) {
    return new Scorer() {
      @Override public Spec spec() { return Spec.of("random", "seed", seed); }

      @Override public Input input() { return Input.NOTHING; }

      @Override public Tensor score(Candidates candidates) {
        long stream = seed * 1000003L + candidates.segment().image();
        float[] scores = new float[candidates.count()];
        for (int i = 0; i < scores.length; i++) scores[i] = SplitMix.uniform(stream, candidates.original()[i]);
        return Tensors.floats(scores, candidates.view().hidden().device(), scores.length);
      }
    };
  }
}
