package dev.winnow.prune;

import dev.winnow.kernels.Tensors;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Keeps a number of patches and drops the rest: score, share the budget among the tiles, select.
 *
 * @param scorer or null where the selector needs no scores
 * @param shares of the tiles
 * @param selector chooses in one tile
 * @param tokens rows of one picture that enter the language model, all tiles together
 */
public record PatchReducer(PatchScorer scorer, TileShares shares, PatchSelector selector, int tokens) implements VisionReducer {
  /** Tiles share alike. */
  public PatchReducer(PatchScorer scorer, PatchSelector selector, int tokens) { this(scorer, TileShares.EQUAL, selector, tokens); }

  @Override public VisionNeeds needs() {
    VisionNeeds others = selector.needs().and(shares.needs());
    return scorer == null ? others : scorer.needs().and(others);
  }

  @Override public boolean needsWholePicture() { return shares.needsWholePicture(); }

  @Override public boolean keepsAll(int unpruned) { return tokens >= unpruned; }

  @Override public int most(int rows) { return Math.min(rows, tokens); }

  @Override public List<Reduction> reduce(VisionFacts facts) {
    List<Tensor> scores = scorer == null ? null : scorer.score(facts);
    int[] counts = shares.of(facts, scores, facts.room(tokens));
    List<Reduction> tiles = new ArrayList<>();
    for (int t = 0; t < facts.tiles(); t++) {
      Tensor own = scores == null ? null : scores.get(t);
      tiles.add(Reduction.of(selector.select(facts, t, own, counts[t]), own == null ? null : Tensors.toFloats(own)));
    }
    return tiles;
  }
}
