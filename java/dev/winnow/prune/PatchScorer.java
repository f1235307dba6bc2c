package dev.winnow.prune;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Gives every patch of a picture a number before the decoder; larger stays. */
public interface PatchScorer {
  VisionNeeds needs();

  /** Per tile float32 [patches], contiguous, on the features' device; they belong to the caller's PointerScope. */
  List<Tensor> score(VisionFacts facts);
}
