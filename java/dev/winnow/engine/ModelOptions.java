package dev.winnow.engine;

import dev.winnow.InvalidInputException;
import dev.winnow.kernels.Dtype;

/**
 * How a model is loaded.
 *
 * @param dtype number format to compute in; null for that of the checkpoint
 * @param device "cpu", "cuda" or "cuda:N"
 * @param threads threads that one session computes with; 0 for the processors that the JVM may use
 */
public record ModelOptions(Dtype dtype, String device, int threads) {
  public static final ModelOptions DEFAULT = new ModelOptions(null, "cpu", 0);
  /** More than any machine has processors for; far more would only exhaust the machine. */
  private static final int MOST_THREADS = 1024;

  public ModelOptions {
    if (threads < 0 || threads > MOST_THREADS) {
      throw new InvalidInputException("threads must be from 0, for all processors, to " + MOST_THREADS + ", not " + threads);
    }
    if (!device.matches("cpu|cuda(:[0-9]{1,2})?")) {
      throw new InvalidInputException("device '" + device + "' is not known; use cpu, cuda or cuda:N");
    }
  }
}
