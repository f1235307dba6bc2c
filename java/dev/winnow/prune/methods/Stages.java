package dev.winnow.prune.methods;

import dev.winnow.InvalidInputException;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Settings;
import dev.winnow.prune.StageBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;

/** The parameter {@code layers} of methods that cut behind a few decoder layers, and budgets over such stages. */
final class Stages {
  /** The depth for which the papers give their layers. */
  private static final int PUBLISHED_DEPTH = 32;

  private Stages() {}

  /**
   * @param source where the layers are published
   * @param published the layers for a decoder of 32; other depths get the same fractions, rising, before the last layer
   */
  static Parameter parameter(String source, int... published) {
    String words = java.util.Arrays.stream(published).mapToObj(String::valueOf).collect(Collectors.joining(","));
    return new Parameter("layers", shape -> scaled(shape, published), words + " of 32, scaled to the depth",
        "layers behind which a stage cuts, counted from 0; empty for none (" + source + "; other depths: ours)");
  }

  private static String scaled(ModelShape shape, int[] published) {
    if (shape.layers() == 1) return "0"; // which is refused: an empty list would quietly remove nothing
    List<String> layers = new ArrayList<>();
    int before = -1;
    for (int layer : published) {
      before = Math.max(before + 1, layer * shape.layers() / PUBLISHED_DEPTH);
      if (before <= shape.layers() - 2) layers.add(String.valueOf(before));
    }
    return String.join(",", layers);
  }

  static List<Integer> read(String method, Settings settings, ModelShape shape) {
    List<Integer> layers = settings.integers("layers");
    if (!layers.isEmpty()) requireDepth(method, shape);
    for (int i = 0; i < layers.size(); i++) settings.layer("layers", layers.get(i), i == 0 ? 0 : layers.get(i - 1) + 1, shape.layers() - 1);
    return layers;
  }

  /** Refuses a decoder in which nothing comes behind a layer. */
  static void requireDepth(String method, ModelShape shape) {
    if (shape.layers() > 1) return;
    throw new InvalidInputException("method '" + method + "' cuts behind a layer of the decoder, by its attention or keys, and this model's"
        + " decoder has only one; use pyramiddrop, or one that cuts before the decoder, such as divprune");
  }

  /** Throws where tokens cannot be held on average because the layers up to the first stage hold more. */
  static int[] counts(String method, ModelShape shape, List<Integer> after, int imageTokens, int tokens, IntUnaryOperator merged) {
    int[] none = new int[after.size()];
    if (after.isEmpty() || StageBudget.held(imageTokens, shape.layers(), after, none, merged) > (long) tokens * shape.layers()) {
      throw new InvalidInputException(method + " cannot average " + tokens + " of " + imageTokens + " tokens "
          + (after.isEmpty() ? "without a stage; set layers" : "when its first stage is behind layer " + after.get(0)
              + "; set earlier layers or a larger budget"));
    }
    return StageBudget.counts(imageTokens, shape.layers(), after, tokens, merged);
  }
}
