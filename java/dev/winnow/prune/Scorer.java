package dev.winnow.prune;

import org.bytedeco.pytorch.Tensor;

/** Gives each visual token of one image a number; larger stays. */
public interface Scorer extends Part {
  /** What must exist before the scorer is asked; the engine computes nothing that no scorer asked for. */
  enum Input {
    NOTHING,
    /** Rotated queries and keys of the layer before the cut. */
    LAYER_BEFORE,
    /** Rotated queries and keys of the layer about to run. */
    LAYER_ITSELF
  }

  Input input();

  /** Whether {@link #raters} is to be asked at the entrance of the decoder. */
  default boolean choosesRaters() { return false; }

  /**
   * Chooses the text rows whose attention will count, from the rows that enter the decoder.
   *
   * @param entrance the image before the first layer; no queries or keys
   * @return their original positions, ascending
   */
  default int[] raters(Candidates entrance) { return new int[0]; }

  /**
   * float32 [candidates], on the device of the rows; belongs to the caller's PointerScope. Or [1 + n, candidates]: the scores, and below
   * them what they were made of, for selectors that look at more than one number; [1, candidates] says that there was nothing to judge by,
   * and the cut leaves the image alone.
   */
  Tensor score(Candidates candidates);

  /** Whether the scores stand above what they were made of, for rules that look at single text rows: {@link Selectors#evidence}. */
  default boolean showsEvidence() { return false; }
}
