package dev.winnow.conform;

import dev.winnow.decoder.CutView;
import dev.winnow.decoder.Segment;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.Candidates;
import dev.winnow.prune.ImageNotes;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * Attention logits of a golden case as queries and keys that yield them: the keys are the unit vectors, so every query is its own row of
 * logits, and the kernels compute mask, softmax and means as for any layer.
 */
final class AttentionInput {
  private AttentionInput() {}

  /**
   * @param logits [heads, length, length], length at most 1024
   * @param raters text rows that count, from the start of the text; null for all
   */
  static Candidates candidates(CaseNode logits, CaseNode prompt, int[] raters) {
    TensorSpec given = TensorSpec.read(logits);
    int heads = given.shape()[0];
    int length = given.shape()[1];
    int pre = prompt.get("pre").asInt();
    int vision = prompt.get("vision").asInt();
    float[] queries = new float[given.values().length];
    for (int h = 0; h < heads; h++) {
      for (int q = 0; q < length; q++) {
        for (int k = 0; k < length; k++) queries[(q * heads + h) * length + k] = (float) (given.values()[(h * length + q) * length
            + k] * Math.sqrt(length));
      }
    }
    float[] keys = new float[length * length];
    for (int k = 0; k < length; k++) keys[k * length + k] = 1;
    Tensor q = Tensors.floats(queries, Tensors.CPU, length, heads, length);
    Tensor k = Tensors.floats(keys, Tensors.CPU, length, 1, length);
    Segment image = new Segment(0, pre, vision);
    int[] origins = IntStream.range(0, length).toArray();
    List<Segment> segments = List.of(new Segment(-1, 0, pre), image, new Segment(-1, pre + vision, length - pre - vision));
    CutView view = new CutView(1, false, segments, origins, null, q, k, origins, rows -> rows);
    int[] positions = raters == null ? null : IntStream.of(raters).map(rater -> pre + vision + rater).toArray();
    return new Candidates(view, image, pre, IntStream.range(0, vision).toArray(), pre, new ImageNotes(positions, new int[0], null));
  }
}
