package dev.winnow.eval;

import dev.winnow.InvalidInputException;
import dev.winnow.kernels.Dtype;
import java.util.List;
import java.util.Map;

/**
 * What {@link BenchPrefill} measures.
 *
 * @param layers decoder layers; 0 for all of the shape
 * @param methods measured beside the plan that removes nothing, in this order
 * @param settings parameters of the methods; each is given to those that have it
 * @param threads of libtorch; 0 for the processors that the JVM may use
 * @param promptText text rows of the prompt, half of them before the picture
 * @param imageTokens picture rows of the prompt; 0 for as many as the shape's picture has
 * @param decode tokens generated after each prompt
 * @param runs measured repetitions, after one that is not
 */
public record BenchModelOptions(BenchShape shape, int layers, List<String> methods, Map<String, String> settings, Dtype dtype, int threads,
    int promptText, int imageTokens, int decode, int runs) {
  public BenchModelOptions {
    if (layers == 0) layers = shape.layers();
    if (imageTokens == 0) imageTokens = shape.imageTokens();
    require(layers > 0 && layers <= 1000, "layers", layers, "1 to 1000");
    require(threads >= 0, "threads", threads, "0 (all processors) or more");
    require(promptText >= 1, "prompt-text", promptText, "1 or more");
    require(imageTokens > 0, "image-tokens", imageTokens, "0 (as the shape has) or more");
    require(decode >= 0, "decode", decode, "0 or more");
    require(runs >= 1, "runs", runs, "1 or more");
    int most = shape.config(1).maxPositions();
    require((long) promptText + imageTokens + decode <= most, "image-tokens", imageTokens, "at most " + (most - promptText - decode)
        + ", so that prompt and answer fit the " + most + " positions of " + shape.label());
    methods = List.copyOf(methods);
  }

  private static void require(boolean holds, String option, long value, String wanted) {
    if (!holds) throw new InvalidInputException(option + "=" + value + " is not valid; give " + wanted);
  }
}
