package dev.winnow.engine;

import dev.winnow.InvalidInputException;

/**
 * How the next token is chosen from the logits.
 *
 * @param temperature 0 takes the most likely token; larger values flatten the distribution
 * @param topP only the most likely tokens whose probabilities add up to this; 1 for all
 * @param topK only this many of the most likely tokens; 0 for all
 * @param seed the same seed gives the same answer
 */
public record Sampling(double temperature, double topP, int topK, long seed) {
  /** The most likely token, always. */
  public static final Sampling GREEDY = new Sampling(0, 1, 0, 0);

  public Sampling {
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw new InvalidInputException("temperature must be 0 or more, not " + temperature);
    }
    if (!(topP > 0 && topP <= 1)) throw new InvalidInputException("top-p must be above 0 and at most 1, not " + topP);
    if (topK < 0) throw new InvalidInputException("top-k must be 0 or more, not " + topK);
  }
}
