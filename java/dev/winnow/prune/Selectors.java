package dev.winnow.prune;

import dev.winnow.kernels.Kernels;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/** The selectors that methods share. */
public final class Selectors {
  private Selectors() {}

  /** The highest scores; equal scores keep the lower index. */
  public static Selector top(Count count) { return new Top(count, 0, false, 0); }

  /**
   * The highest scores; equal scores keep the lower index.
   *
   * @param count how many stay
   * @param floor how many stay at least, as far as they are there
   * @param ofPresent whether a share is one of the tokens that are still there, instead of the image as it entered the language model
   * @param drop how many go at least, whatever the count
   */
  public record Top(Count count, int floor, boolean ofPresent, int drop) implements Selector {
    @Override public Spec spec() {
      String name = switch (count.kind()) {
        case TOKENS -> "tokens";
        case SHARE_KEPT -> "share";
        case SHARE_REMOVED -> "removed";
        case SHARE_REMOVED_TRUNCATED -> "removed_truncated";
      };
      Object value = count.kind() == Count.Kind.TOKENS ? (Object) (long) count.value() : (Object) count.value();
      return Spec.of("top", name, value, "floor", floor == 0 ? null : floor, "of", ofPresent ? "present" : null, "drop", drop == 0 ? null
          : drop);
    }

    @Override public Needs needs() { return Needs.SCORES; }

    @Override public int most(int total, int present) {
      return Math.min(Math.max(count.of(ofPresent ? present : total), floor), Math.max(0, present - drop));
    }

    @Override public int[] select(Candidates candidates, Tensor scores) {
      int present = candidates.count();
      int k = most(candidates.total(), present);
      return k == present ? all(k) : Kernels.top(scoresAlone(scores), k);
    }
  }

  /** Evenly spaced candidates, the middle of each of {@code count} equal stretches. */
  public static Selector evenlySpaced(Count count) {
    Part.Spec spec = new Part.Spec("even", new Top(count, 0, false, 0).spec().parameters());
    return new Selector() {
      @Override public Spec spec() { return spec; }

      @Override public int most(int total, int present) { return Math.min(count.of(total), present); }

      @Override public int[] select(Candidates candidates, Tensor scores) {
        int k = most(candidates.total(), candidates.count());
        int[] keep = new int[k];
        for (int i = 0; i < k; i++) keep[i] = (int) ((2L * i + 1) * candidates.count() / (2L * k));
        return keep;
      }
    };
  }

  /** No candidate stays. */
  public static Selector none() {
    return new Selector() {
      @Override public Spec spec() { return Spec.of("none"); }

      @Override public int most(int total, int present) { return 0; }

      @Override public int[] select(Candidates candidates, Tensor scores) { return new int[0]; }
    };
  }

  /** The row of scores without what lies below it: float32 [candidates]. */
  public static Tensor scoresAlone(Tensor scores) { return scores.dim() == 1 ? scores : scores.select(0, 0); }

  /** What the scores were made of: float32 [n, candidates]. */
  public static Tensor evidence(Tensor scores) { return scores.narrow(0, 1, scores.size(0) - 1); }

  static int[] all(int count) { return IntStream.range(0, count).toArray(); }
}
