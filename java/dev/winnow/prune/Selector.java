package dev.winnow.prune;

import org.bytedeco.pytorch.Tensor;

/** Turns scores into an ascending keep-list. */
public interface Selector extends Part {
  /** What a selector looks at besides the places of the candidates. */
  enum Needs {
    NOTHING, SCORES,
    /** Scores, and key tokens that a cut inside the decoder knows of. */
    SCORES_AND_ROWS,
    /** Scores above what they were made of: {@link Scorer#showsEvidence}. */
    EVIDENCE,
    /** The scorer {@link KeyNorms} and the rows. */
    KEY_NORMS,
    /** The tokens that reached the last layer. */
    SURVIVORS
  }

  default Needs needs() { return Needs.NOTHING; }

  /**
   * @param scores as the scorer gave them: float32 [candidates] or [1 + n, candidates]; null where the cut has no scorer
   * @return ascending candidate numbers that stay, out of 0..candidates.count()-1
   */
  int[] select(Candidates candidates, Tensor scores);

  /**
   * How many stay, as far as that can be told before anything is scored; the most where it depends on scores.
   *
   * @param total tokens of the image as it entered the language model
   * @param present tokens that are there
   */
  default int most(int total, int present) { return present; }

  /**
   * Throws InvalidInputException where an image that enters the language model with so many tokens cannot be cut as asked. Said as soon as
   * that number is known, and before anything is scored.
   */
  default void check(int total) {}
}
