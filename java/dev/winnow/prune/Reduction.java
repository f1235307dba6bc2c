package dev.winnow.prune;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * What stays of one tile.
 *
 * @param kept the patch that each row is listed by, in the order in which the rows enter the language model; {@link #NO_PATCH} for a row
 *     that stands for no patch of its own (the class token, PruMerge's extra row, padding)
 * @param rows [kept.length, width] on the features' device and in their dtype; null where the rows are the patches themselves
 * @param merges which patches went into which row, where any did; {@link #NO_PATCH} as in kept
 * @param scores per patch, for reports; null where the method has none
 * @param keyRows rows, by their number in kept, that later stages must not drop; empty for none
 */
public record Reduction(int[] kept, Tensor rows, List<CutRecord.Merged> merges, float[] scores, int[] keyRows) {
  public static final int NO_PATCH = -1;

  public Reduction {
    merges = List.copyOf(merges);
  }

  public Reduction(int[] kept, Tensor rows, List<CutRecord.Merged> merges, float[] scores) { this(kept, rows, merges, scores, new int[0]); }

  /** Patches as they are. */
  public static Reduction of(int[] kept, float[] scores) { return new Reduction(kept, null, List.of(), scores); }

  /** Patches that are listed, ascending. */
  public int[] patches() { return Arrays.stream(kept).filter(patch -> patch != NO_PATCH).sorted().toArray(); }
}
