package dev.winnow.prune;

import java.util.List;

/**
 * A removal of rows from the KV caches, in place, between two steps. Only image tokens of the turn at hand are ever candidates.
 *
 * @param when CACHE: once, at the end of the prompt; DECODE: again and again while generating
 * @param every DECODE: after how many generated tokens
 * @param layers layers whose caches are cut; null cuts all
 * @param attention gives the scores; null where the selector needs none
 * @param selector makes the keep-list of each image
 * @param continueFromRows whether the next row's position is the number of rows left, the cached keys keeping their rotation: MustDrop's
 *     published behaviour; false goes on from the position before
 */
public record CacheCut(Site.Kind when, int every, List<Integer> layers, CacheAttention attention, Selector selector,
    boolean continueFromRows) {
  public CacheCut {
    layers = layers == null ? null : List.copyOf(layers);
  }

  public Site site() { return new Site(when, -1); }

  boolean covers(int layer) { return layers == null || layers.contains(layer); }

  boolean watches(int layer) {
    return attention != null && (attention.layers() == null ? covers(layer)
        : attention.layers().contains(layer));
  }
}
