package dev.winnow.prune;

import org.bytedeco.pytorch.Tensor;

/** Gives each visual token of one image a number; larger stays. */
public interface Scorer {
  /** What must exist before the scorer is asked; the engine computes nothing that no scorer asked for. */
  enum Input {
    NOTHING,
    /** Rotated queries and keys of the layer before the cut. */
    LAYER_BEFORE,
    /** Rotated queries and keys of the layer about to run. */
    LAYER_ITSELF
  }

  Input input();

  /** float32 [candidates], on the device of the rows; belongs to the caller's PointerScope. */
  Tensor score(Candidates candidates);
}
