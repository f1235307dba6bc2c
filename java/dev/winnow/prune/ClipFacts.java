package dev.winnow.prune;

import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * Picture and question in CLIP's common space, all float32.
 *
 * @param image tokens of each tile behind post_layernorm and visual_projection, [tokens, width]
 * @param text the question's pooled text embeddings, one per segment of 77 tokens, [segments, width]
 * @param textTokens embeddings of every text position, [segments, 77, width]; null where no method looks at them
 */
public record ClipFacts(List<Tensor> image, Tensor text, Tensor textTokens) {
  public ClipFacts { image = List.copyOf(image); }

  /** @param image of tiles that have all their patches, [tiles, patches, width] */
  public static ClipFacts of(Tensor image, Tensor text, Tensor textTokens) {
    return new ClipFacts(IntStream.range(0, Math.toIntExact(image.size(0))).mapToObj(t -> image.select(0, t)).toList(), text, textTokens);
  }
}
