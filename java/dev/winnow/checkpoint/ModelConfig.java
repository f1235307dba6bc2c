package dev.winnow.checkpoint;

import java.util.List;

/**
 * Everything that a checkpoint's json files say about the model, checked and with defaults filled in.
 *
 * @param family "llava", "llava_next", "llava_next_video", "llava_onevision" or "video_llava"
 * @param dtype dtype in which the weights are published: "float32", "float16" or "bfloat16"
 * @param projectorActivation "gelu"
 * @param imageTokenId id of the image placeholder in prompt ids; -200 where the vocabulary has none (original LLaVA layout)
 * @param eosIds ids that end an answer
 */
public record ModelConfig(String family, String dtype, TextConfig text, VisionConfig vision, String projectorActivation,
    boolean projectorBias, int imageTokenId, List<Integer> eosIds) {}
