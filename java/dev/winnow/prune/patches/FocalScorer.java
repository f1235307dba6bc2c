package dev.winnow.prune.patches;

import dev.winnow.prune.PatchScorer;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * FoPru's significance of patches from the attention among patches in one block (the class token's row and column left out).
 *
 * @param logits false: softmax over the keys, mean over queries and heads of what a patch receives (the paper's reading); true: means of
 *     the logits, received or given, whichever varies more (the only public code, HydraInfer)
 */
public record FocalScorer(int block, boolean logits) implements PatchScorer {
  @Override public VisionNeeds needs() { return VisionNeeds.projections(block); }

  @Override public Tensor score(VisionFacts facts) {
    Tensor query = patches(facts.queries(block), facts.patches());
    Tensor key = patches(facts.keys(block), facts.patches());
    Tensor scale = query.mul(new Scalar(1 / Math.sqrt(key.size(3))));
    // tile by tile: the maps of all tiles at once are a hundred megabytes
    Tensor[] tiles = new Tensor[facts.tiles()];
    for (int t = 0; t < tiles.length; t++) {
      try (PointerScope scope = new PointerScope()) {
        tiles[t] = significance(torch.matmul(scale.narrow(0, t, 1), key.narrow(0, t, 1).transpose(2, 3)));
        tiles[t].retainReference();
      }
    }
    Tensor all = torch.cat(new TensorVector(tiles), 0);
    for (Tensor tile : tiles) tile.releaseReference();
    return all;
  }

  private static Tensor patches(Tensor tokens, int count) {
    return tokens.narrow(2, tokens.size(2) - count, count).to(torch.ScalarType.Float);
  }

  /**
   * @param map q.k / sqrt(width), float32 [tiles, heads, patches, patches]
   * @return float32 [tiles, patches]
   */
  public Tensor significance(Tensor map) {
    if (!logits) return torch.mean(torch.softmax(map, -1), 1, 2);
    Tensor mean = torch.mean(map, 1);
    Tensor received = torch.mean(mean, 1);
    Tensor given = torch.mean(mean, 2);
    Tensor useReceived = torch.var(received, new long[] {1}, true, true).gt(torch.var(given, new long[] {1}, true, true));
    return torch.where(useReceived, received, given);
  }
}
