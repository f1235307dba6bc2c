package dev.winnow.decoder;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Decides for one sequence which rows go on into a layer. The decoder knows only this interface; plans of the {@code prune} package
 * implement it. All questions about needs are answered before work starts, so no layer is ever run twice.
 */
public interface LayerPruner {
  /** What must exist before {@link #cut} is asked at the input of a layer. */
  enum Need {
    /** No cut here. */
    NOTHING,
    /** The rows, and the queries of the layer before if {@link #keepsQueries} asked for them. */
    INPUT,
    /** The layer's own projections, computed once and reused by the layer for the rows that stay. */
    PROJECTIONS
  }

  /** @param generating whether this is a decode step (one new row) rather than a prompt */
  Need need(int layer, boolean generating);

  /** Whether the rotated queries of a layer must be kept until the input of the next one. */
  boolean keepsQueries(int layer, boolean generating);

  /** Which rows go on. Called at most once per layer and pass. */
  RowCut cut(CutView view);

  /** Whether {@link #attended} is to be called for a layer. */
  default boolean watches(int layer, boolean generating) { return false; }

  /**
   * Shows what a layer has just computed attention with, its new rows in the cache. Tensors belong to the layer's
   * scope and must not be kept.
   *
   * @param segments segments of the whole sequence
   * @param queries rotated queries of the new rows, [n, heads, headDim]
   * @param keys rotated keys of the layer, the new rows' last, [m, kvHeads, headDim]
   * @param keyOrigins original index of each key row
   */
  default void attended(int layer, boolean generating, List<Segment> segments, Tensor queries, Tensor keys, int[] keyOrigins) {}

  /** What is added to attention logits, in every layer. */
  default AttentionBias attentionBias() { return AttentionBias.NONE; }

  /** How often a layer's keys and values are stored; 2 only to reproduce public code that runs its ranking layer twice. */
  default int copies(int layer) { return 1; }

  /** Removes nothing. */
  LayerPruner NONE = new LayerPruner() {
    @Override public Need need(int layer, boolean generating) { return Need.NOTHING; }

    @Override public boolean keepsQueries(int layer, boolean generating) { return false; }

    @Override public RowCut cut(CutView view) { return RowCut.NOTHING; }
  };
}
