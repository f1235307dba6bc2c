package dev.winnow.prune.patches;

import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import dev.winnow.prune.VisionReducer;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.ToIntFunction;

/**
 * A reducer whose number of tokens depends on the picture: a share of its patches.
 *
 * @param all whether the share is everything
 * @param tokens that stay of a picture, all tiles together
 * @param reducer for a number of tokens
 */
public record Share(boolean all, ToIntFunction<VisionFacts> tokens, IntFunction<PatchReducer> reducer) implements VisionReducer {
  /** A share of all patches of the picture, truncated. */
  public static Share of(double rate, IntFunction<PatchReducer> reducer) {
    return new Share(rate == 1, facts -> (int) (facts.tiles() * facts.patches() * rate), reducer);
  }

  @Override public VisionNeeds needs() { return reducer.apply(0).needs(); }

  @Override public boolean needsWholePicture() { return reducer.apply(0).needsWholePicture(); }

  @Override public boolean keepsAll(int unpruned) { return all; }

  @Override public List<Reduction> reduce(VisionFacts facts) { return reducer.apply(tokens.applyAsInt(facts)).reduce(facts); }
}
