package dev.winnow.prune;

import dev.winnow.kernels.Vectors;
import java.util.List;

/**
 * Scores cached image tokens by the attention that they were paid: softmax over the cache, mean over heads. At the site {@code cache} by
 * the last rows of the prompt, at {@code decode} by the tokens generated since the cut before.
 *
 * @param rows CACHE: how many of the last prompt rows count
 * @param layers layers whose mean attention decides for all caches alike; null lets every layer decide for its own
 */
public record CacheAttention(int rows, List<Integer> layers) implements Part {
  public CacheAttention {
    layers = layers == null ? null : List.copyOf(layers);
  }

  @Override public Spec spec() {
    return Spec.of("paid-attention", "rows", rows, "layers", layers == null ? "own"
        : Vectors.joined(layers));
  }
}
