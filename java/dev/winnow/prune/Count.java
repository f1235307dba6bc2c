package dev.winnow.prune;

import dev.winnow.InvalidInputException;
import java.util.Locale;

/**
 * How many tokens of an image stay at a cut, and how a fraction is rounded. Always capped by the tokens that are there.
 *
 * @param kind the rule
 * @param value a share 0..1 or a number of tokens
 */
public record Count(Kind kind, double value) {
  public enum Kind {
    /** A number of tokens. */
    TOKENS,
    /** A share of the image as it entered the language model, truncated (PyramidDrop, {@code int(V * ratio)}). */
    SHARE_KEPT,
    /** A share that is removed: kept = V * (1 - share), rounded half to even (FastV in its Hugging Face form). */
    SHARE_REMOVED,
    /** A share that is removed: kept = V * (1 - share), truncated (DART). */
    SHARE_REMOVED_TRUNCATED
  }

  public Count {
    boolean share = kind != Kind.TOKENS;
    if (!(value >= 0) || Double.isInfinite(value) || share && value > 1) {
      throw new InvalidInputException(String.format(Locale.ROOT, "%s is not a valid %s; give %s", value,
          share ? "share" : "number of tokens", share ? "a number from 0 to 1" : "0 or more"));
    }
  }

  public static Count tokens(int tokens) { return new Count(Kind.TOKENS, tokens); }

  public static Count shareKept(double share) { return new Count(Kind.SHARE_KEPT, share); }

  public static Count shareRemoved(double share) { return new Count(Kind.SHARE_REMOVED, share); }

  public static Count shareTruncated(double removed) { return new Count(Kind.SHARE_REMOVED_TRUNCATED, removed); }

  /** Tokens that stay out of an image of {@code total} tokens. */
  public int of(int total) {
    return switch (kind) {
      case TOKENS -> (int) Math.min(value, total);
      case SHARE_KEPT -> (int) (total * value);
      case SHARE_REMOVED_TRUNCATED -> (int) (total * (1 - value));
      case SHARE_REMOVED -> (int) Math.rint(total * (1 - value));
    };
  }
}
