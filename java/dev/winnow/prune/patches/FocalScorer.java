package dev.winnow.prune.patches;

import dev.winnow.kernels.Tensors;
import dev.winnow.prune.PatchScorer;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * FoPru's significance of patches from the attention among patches in one block (the class token's row and column left out).
 *
 * @param logits false: softmax over the keys, mean over queries and heads of what a patch receives (the paper's reading); true: means of
 *     the logits, received or given, whichever varies more (the only public code, HydraInfer)
 */
public record FocalScorer(int block, boolean logits) implements PatchScorer {
  @Override public VisionNeeds needs() { return VisionNeeds.projections(block); }

  @Override public List<Tensor> score(VisionFacts facts) {
    // tile by tile: the maps of all tiles at once are a hundred megabytes
    List<Tensor> tiles = new ArrayList<>();
    for (int t = 0; t < facts.tiles(); t++) {
      Tensor query = patches(facts.queries(block, t), facts.patches(t));
      Tensor key = patches(facts.keys(block, t), facts.patches(t));
      Tensor scaled = query.mul(new Scalar(1 / Math.sqrt(key.size(3))));
      Tensor tile;
      try (PointerScope scope = new PointerScope()) {
        tile = significance(torch.matmul(scaled, key.transpose(2, 3))).select(0, 0).contiguous();
        tile.retainReference();
      }
      tiles.add(Tensors.adopt(PointerScope.getInnerScope(), tile));
    }
    return tiles;
  }

  /** As one tile, [1, heads, patches, head width]. */
  private static Tensor patches(Tensor tokens, int count) {
    return tokens.unsqueeze(0).narrow(2, tokens.size(1) - count, count).to(torch.ScalarType.Float);
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
