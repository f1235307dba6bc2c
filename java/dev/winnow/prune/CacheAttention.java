package dev.winnow.prune;

import java.util.List;

/**
 * Scores cached image tokens by the attention that they were paid: softmax over the cache, mean over heads. At the site {@code cache} by the
 * last rows of the prompt, at {@code decode} by the tokens generated since the cut before.
 *
 * @param rows CACHE: how many of the last prompt rows count
 * @param layers layers whose mean attention decides for all caches alike; null lets every layer decide for its own
 */
public record CacheAttention(int rows, List<Integer> layers) {
  public CacheAttention {
    layers = layers == null ? null : List.copyOf(layers);
  }
}
