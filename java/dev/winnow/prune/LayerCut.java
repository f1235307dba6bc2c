package dev.winnow.prune;

/**
 * One removal at the input of a decoder layer: score, select, and drop, merge or hide the rest.
 *
 * @param layer the layer, 0-based
 * @param scorer gives the numbers; null where the selector needs none
 * @param selector makes the keep-list of each image
 * @param merger makes new tokens of those that do not stay; null where they just go. Needs a scorer that looks at the layer before, since
 *     merged rows have no projections yet
 * @param effect what happens to the tokens that do not stay
 * @param rankingLayerStoredTwice whether the layer before stores its keys and values twice, as FastV's lmms-eval code does;
 *     changes no result
 */
public record LayerCut(int layer, Scorer scorer, Selector selector, Merger merger, Effect effect, boolean rankingLayerStoredTwice) {
  public LayerCut(int layer, Scorer scorer, Selector selector, Effect effect) { this(layer, scorer, selector, null, effect, false); }

  public LayerCut(int layer, Scorer scorer, Selector selector, Merger merger) { this(layer, scorer, selector, merger, Effect.DROP, false); }

  public enum Effect {
    /** Removed for good; later layers never see them. */
    DROP,
    /** Rows stay, but nobody attends to them in this and later layers; chosen anew at every step. */
    HIDE
  }

  public Site site() { return Site.layer(layer); }
}
