package dev.winnow.checkpoint;

import java.util.List;

/**
 * Everything that a checkpoint's json files say about the model, checked and with defaults filled in.
 *
 * @param family "llava", "llava_next", "llava_next_video", "llava_onevision" or "video_llava"
 * @param originalLayout whether this is a checkpoint of the original LLaVA code (its prompt is tokenised in chunks around the images)
 * @param dtype dtype in which the weights are published: "float32", "float16" or "bfloat16"
 * @param projectorActivation "gelu"
 * @param imageTokenId id of the image placeholder in prompt ids; -200 where the vocabulary has none (original LLaVA layout)
 * @param videoTokenId id of the video placeholder in prompt ids; -1 where the family has none
 * @param videoPoolStride patches on one side of the squares whose features are averaged in every frame of a video, before the projector;
 *     0 where the family does not do that
 * @param eosIds ids that end an answer
 * @param aspectRatio how a picture is fitted: "" (as the preprocessor's own file says), "pad", "anyres" or "anyres_max_N"
 * @param gridPinpoints resolutions {height, width} in pixels that anyres tiling chooses from; empty without tiling
 */
public record ModelConfig(String family, boolean originalLayout, String dtype, TextConfig text, VisionConfig vision,
    String projectorActivation, boolean projectorBias, int imageTokenId, int videoTokenId, int videoPoolStride,
    List<Integer> eosIds, String aspectRatio, List<List<Integer>> gridPinpoints) {
  /** The same model with another tower. */
  public ModelConfig withVision(VisionConfig other) {
    return new ModelConfig(family, originalLayout, dtype, text, other, projectorActivation, projectorBias, imageTokenId, videoTokenId,
        videoPoolStride, eosIds, aspectRatio, gridPinpoints);
  }
}
