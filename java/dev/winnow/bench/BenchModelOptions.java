package dev.winnow.bench;

import dev.winnow.InvalidInputException;
import dev.winnow.engine.ModelOptions;
import dev.winnow.kernels.Dtype;

/**
 * What {@link BenchPrefill} measures.
 *
 * @param layers decoder layers; 0 for all of the shape
 * @param pruning measured beside the plan that removes nothing
 * @param tower whether the shape's tower and projector run on a picture of noise before each prompt; without, picture rows are noise
 * @param threads of libtorch; 0 for the processors that the JVM may use
 * @param promptText text rows of the prompt, half of them before the picture
 * @param imageTokens picture rows of the prompt when nothing is removed; 0, which a tower asks for, for as many as the shape's picture has
 * @param decode tokens generated after each prompt
 * @param runs measured repetitions, after one that is not
 */
public record BenchModelOptions(BenchShape shape, int layers, BenchPruning pruning, boolean tower, Dtype dtype, int threads,
    int promptText, int imageTokens, int decode, int runs) {
  public BenchModelOptions {
    if (layers == 0) layers = shape.layers();
    if (tower && imageTokens != 0) {
      throw new InvalidInputException("with --tower its picture says how many image tokens there are; leave --image-tokens out");
    }
    if (imageTokens == 0) imageTokens = tower ? shape.pictureTokens() : shape.imageTokens();
    require(layers > 0 && layers <= 1000, "layers", layers, "1 to 1000");
    require(threads >= 0 && threads <= ModelOptions.MOST_THREADS, "threads", threads, "0 (all processors) to " + ModelOptions.MOST_THREADS);
    require(promptText >= 1, "prompt-text", promptText, "1 or more");
    require(imageTokens > 0, "image-tokens", imageTokens, "0 (as the shape has) or more");
    require(decode >= 0, "decode", decode, "0 or more");
    require(runs >= 1, "runs", runs, "1 or more");
    int most = shape.config(1).maxPositions();
    require((long) promptText + imageTokens + decode <= most, "image-tokens", imageTokens, "at most " + (most - promptText - decode)
        + ", so that prompt and answer fit the " + most + " positions of " + shape.label());
  }

  /** Rows of the prompt when nothing is removed. */
  int rows() { return promptText + imageTokens; }

  private static void require(boolean holds, String option, long value, String wanted) {
    if (!holds) throw new InvalidInputException(option + "=" + value + " is not valid; give " + wanted);
  }
}
