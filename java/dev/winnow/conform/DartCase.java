package dev.winnow.conform;

import dev.winnow.decoder.CutView;
import dev.winnow.decoder.Segment;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.Candidates;
import dev.winnow.prune.Count;
import dev.winnow.prune.Duplication;
import dev.winnow.prune.ImageNotes;
import dev.winnow.prune.KeyNorms;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** Cases of DART: pivots, the order in which they take tokens, and what stays, as absolute rows. */
final class DartCase {
  private DartCase() {}

  static void run(CaseNode inputs, CaseNode params, CaseNode expected, Check check) {
    try (PointerScope scope = new PointerScope()) {
      TensorSpec hidden = TensorSpec.read(inputs.get("hidden"));
      TensorSpec keys = TensorSpec.read(inputs.get("keys"));
      int rows = hidden.rows();
      int start = params.get("start").asInt();
      // the official code takes this for the image's length where it is told the length of the text
      int length = params.has("text_length") ? rows - params.get("text_length").asInt() : params.get("length").asInt();
      Tensor rotated = Tensors.floats(keys.values(), Tensors.CPU, keys.shape()[0], keys.shape()[1], keys.shape()[2]).transpose(0,
          1).contiguous();
      int[] origins = IntStream.range(0, rows).toArray();
      Segment image = new Segment(0, start, length);
      List<Segment> segments = List.of(new Segment(-1, 0, start), image, new Segment(-1, start + length, rows - start - length));
      CutView view = new CutView(2, false, segments, origins, Tensors.floats(hidden.values(), Tensors.CPU, rows, hidden.shape()[1]),
          rotated, rotated, origins,
          given -> given);
      Candidates candidates = new Candidates(view, image, start, IntStream.range(0, length).toArray(), start, ImageNotes.NONE);
      int imagePivots = params.get("pivots").get(0).asInt();
      Duplication selector = new Duplication(count(params, length - imagePivots), false, imagePivots, params.get("pivots").get(1).asInt());
      Tensor norms = new KeyNorms().score(candidates);
      if (expected.has("error")) {
        check.same("tokens kept at most", selector.select(candidates, norms).length <= length, true);
        return;
      }
      check.vector("key_l1_from_start", Tensors.toFloats(KeyNorms.of(candidates, IntStream.range(start, rows).toArray())),
          expected.get("key_l1_from_start"));
      Duplication.Pivots pivots = selector.pivots(candidates, Tensors.toFloats(norms));
      check.ints("image_pivots", pivots.image(), expected.get("image_pivots"));
      check.ints("text_pivots", pivots.text(), expected.get("text_pivots"));
      check.ints("visit_order", pivots.visited(), expected.get("visit_order"));
      check.same("per_pivot", pivots.perPivot()[0], expected.get("per_pivot").asInt());
      int[] kept = Arrays.stream(selector.select(candidates, norms)).map(i -> start + i).toArray();
      check.same("count", kept.length, expected.get("count").asInt());
      check.ints("kept", kept, expected.get("kept"));
    }
  }

  /** @param most tokens besides the image pivots: the official code takes no more of an image of tiles, whatever it is asked for */
  private static Count count(CaseNode params, int most) {
    if (params.has("tokens_next")) return Count.tokens(Math.min(params.get("tokens_next").asInt(), most));
    if (params.get("tokens").isNull()) return Count.shareTruncated(params.get("reduction_ratio").asDouble());
    return Count.tokens(params.get("tokens").asInt());
  }
}
