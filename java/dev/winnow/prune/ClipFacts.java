package dev.winnow.prune;

import org.bytedeco.pytorch.Tensor;

/**
 * Picture and question in CLIP's common space, all float32.
 *
 * @param image patches behind post_layernorm and visual_projection, [tiles, patches, width]
 * @param text the question's pooled text embeddings, one per segment of 77 tokens, [segments, width]
 * @param textTokens embeddings of every text position, [segments, 77, width]; null where no method asks
 */
public record ClipFacts(Tensor image, Tensor text, Tensor textTokens) {}
