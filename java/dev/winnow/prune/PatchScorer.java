package dev.winnow.prune;

import org.bytedeco.pytorch.Tensor;

/** Gives every patch of a picture a number before the decoder; larger stays. */
public interface PatchScorer {
  VisionNeeds needs();

  /** float32 [tiles, patches], on the features' device; belongs to the caller's PointerScope. */
  Tensor score(VisionFacts facts);
}
