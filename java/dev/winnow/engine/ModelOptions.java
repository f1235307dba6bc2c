package dev.winnow.engine;

import dev.winnow.InvalidInputException;
import dev.winnow.kernels.Dtype;
import java.nio.file.Path;

/**
 * How a model is loaded.
 *
 * @param dtype number format to compute in; null for that of the checkpoint
 * @param device "cpu", "cuda" or "cuda:N"
 * @param threads threads that one session computes with; 0 for the processors that the JVM may use
 * @param clip folder of the CLIP model that the vision tower comes from, for methods that measure relevance with CLIP's text tower; null
 *     for none
 */
public record ModelOptions(Dtype dtype, String device, int threads, Path clip) {
  public static final ModelOptions DEFAULT = new ModelOptions(null, "cpu", 0);
  /** More than any machine has processors for; far more would only exhaust the machine. */
  public static final int MOST_THREADS = 1024;

  /** Without CLIP. */
  public ModelOptions(Dtype dtype, String device, int threads) { this(dtype, device, threads, null); }

  public ModelOptions {
    if (threads < 0 || threads > MOST_THREADS) {
      throw new InvalidInputException("threads must be from 0, for all processors, to " + MOST_THREADS + ", not " + threads);
    }
    if (!device.matches("cpu|cuda(:[0-9]{1,2})?")) {
      throw new InvalidInputException("device '" + device + "' is not known; use cpu, cuda or cuda:N");
    }
  }

  /**
   * The same with a CLIP folder beside the model: config.json, weights and tokenizer.json as published, such as
   * openai/clip-vit-large-patch14-336.
   */
  public ModelOptions withClip(Path folder) { return new ModelOptions(dtype, device, threads, folder); }
}
