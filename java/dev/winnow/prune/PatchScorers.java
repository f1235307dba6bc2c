package dev.winnow.prune;

import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** The scorers before the decoder that methods share. */
public final class PatchScorers {
  private PatchScorers() {}

  /** Attention that the class token pays in a block, mean over heads. */
  public static PatchScorer classAttention(int block) {
    return of(VisionNeeds.classRows(block), facts -> torch.mean(facts.classAttention(block), 1));
  }

  /** The same, summed over heads. */
  public static PatchScorer classAttentionSum(int block) {
    return of(VisionNeeds.classRows(block), facts -> torch.sum(facts.classAttention(block), 1));
  }

  /** Attention that a patch receives in a block from every token, mean over heads. */
  public static PatchScorer attentionReceived(int block) {
    return of(VisionNeeds.received(block), facts -> facts.attentionReceived(block));
  }

  private static PatchScorer of(VisionNeeds needs, Function<VisionFacts, Tensor> score) {
    return new PatchScorer() {
      @Override public VisionNeeds needs() { return needs; }

      @Override public Tensor score(VisionFacts facts) { return score.apply(facts); }
    };
  }
}
