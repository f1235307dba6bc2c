package dev.winnow.prune;

import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** The scorers before the decoder that methods share. */
public final class PatchScorers {
  private PatchScorers() {}

  /** Attention that the class token pays in a block, mean over heads. */
  public static PatchScorer classAttention(int block) {
    return of(VisionNeeds.classRows(block), (facts, tile) -> torch.mean(facts.classAttention(block, tile), 0));
  }

  /** The same, summed over heads. */
  public static PatchScorer classAttentionSum(int block) {
    return of(VisionNeeds.classRows(block), (facts, tile) -> torch.sum(facts.classAttention(block, tile), 0));
  }

  /** Attention that a patch receives in a block from every token, mean over heads. */
  public static PatchScorer attentionReceived(int block) {
    return of(VisionNeeds.received(block), (facts, tile) -> facts.attentionReceived(block, tile));
  }

  private interface TileScore {
    Tensor of(VisionFacts facts, int tile);
  }

  private static PatchScorer of(VisionNeeds needs, TileScore score) {
    return new PatchScorer() {
      @Override public VisionNeeds needs() { return needs; }

      @Override public List<Tensor> score(VisionFacts facts) {
        return IntStream.range(0, facts.tiles()).mapToObj(t -> score.of(facts, t).contiguous()).toList();
      }
    };
  }
}
