package dev.winnow.prune;

import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import dev.winnow.kernels.Vectors;
import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * DART's choice by duplication (arXiv 2502.11494): the image and text tokens with the largest keys are pivots; one after the other takes
 * those image tokens that resemble it least, by the cosine of rows behind the model's final norm. Image pivots stay too, text pivots only
 * choose. Needs the scorer {@link KeyNorms}.
 *
 * @param count tokens that all pivots together take, each the same whole number of them (the official count); where {@code exact}, tokens
 *     that stay, the remainder going to the pivots that come first
 * @param exact see count
 * @param imagePivots most pivots in the image
 * @param textPivots most pivots in the text behind it
 */
public record Duplication(Count count, boolean exact, int imagePivots, int textPivots) implements Selector {
  @Override public Spec spec() {
    Spec counted = new Selectors.Top(count, 0, false, 0).spec();
    Spec rest = Spec.of("duplication", "exact", exact ? "true" : null, "image_pivots", imagePivots, "text_pivots", textPivots);
    counted.parameters().putAll(rest.parameters());
    return new Spec("duplication", counted.parameters());
  }

  /**
   * The pivots of one image, as row numbers, and what each takes.
   *
   * @param image pivots by falling key norm; {@code text} likewise
   * @param visited all pivots in the order in which they take tokens
   * @param perPivot tokens that each takes, in that order
   */
  public record Pivots(int[] image, int[] text, int[] visited, int[] perPivot) {}

  public Pivots pivots(Candidates candidates, float[] imageNorms) {
    int wanted = Math.min(count.of(candidates.total()), candidates.count());
    int[] text = candidates.textRows();
    float[] textNorms = text.length == 0 ? new float[0] : Tensors.toFloats(KeyNorms.of(candidates, text));
    int[] image = first(Vectors.ranked(imageNorms), exact ? Math.min(imagePivots, wanted) : imagePivots).map(i -> candidates.firstRow()
        + i).toArray();
    int[] chosenText = first(Vectors.ranked(textNorms), textPivots).map(i -> text[i]).toArray();
    int[] visited = HashOrder.of(IntStream.concat(Arrays.stream(image), Arrays.stream(chosenText)).toArray());
    int left = candidates.count() - image.length;
    int taken = exact ? Math.max(0, wanted - image.length) : Math.min(wanted, left);
    int[] perPivot = new int[visited.length];
    for (int p = 0; p < perPivot.length; p++) {
      perPivot[p] = exact ? taken / visited.length + (p < taken % visited.length ? 1 : 0) : taken / (imagePivots + textPivots);
    }
    return new Pivots(image, chosenText, visited, perPivot);
  }

  private static IntStream first(int[] ranked, int most) { return Arrays.stream(ranked).limit(most); }

  @Override public Needs needs() { return Needs.KEY_NORMS; }

  @Override public int most(int total, int present) {
    return Math.min(present, count.of(total) + (exact ? 0 : imagePivots));
  }

  @Override public int[] select(Candidates candidates, Tensor scores) {
    int n = candidates.count();
    if (Math.min(count.of(candidates.total()), n) == n) return Selectors.all(n);
    Pivots pivots = pivots(candidates, Tensors.toFloats(Selectors.scoresAlone(scores)));
    BitSet kept = new BitSet();
    for (int row : pivots.image()) kept.set(row - candidates.firstRow());
    if (pivots.visited().length == 0) return kept.stream().toArray();
    float[] unlike = Tensors.toFloats(cosines(candidates, pivots.visited()).neg());
    for (int p = 0; p < pivots.visited().length; p++) {
      float[] row = Arrays.copyOfRange(unlike, p * n, (p + 1) * n);
      kept.stream().forEach(i -> row[i] = Float.NaN);
      int k = Math.min(pivots.perPivot()[p], n - kept.cardinality());
      for (int i : Kernels.top(Tensors.floats(row, Tensors.CPU, n), k)) kept.set(i);
    }
    return kept.stream().toArray();
  }

  /** Cosine of each pivot and each candidate, float32 [pivots, candidates]. */
  private static Tensor cosines(Candidates candidates, int[] pivots) {
    Tensor rows = candidates.view().hidden();
    Tensor chosen = unit(candidates.view().finalNorm().apply(rows.index_select(0, Tensors.indices(pivots, rows.device()))));
    Tensor image = unit(candidates.view().finalNorm().apply(rows.narrow(0, candidates.firstRow(), candidates.count())));
    return chosen.matmul(image.t());
  }

  private static Tensor unit(Tensor rows) {
    Tensor wide = rows.to(ScalarType.Float);
    return wide.div(wide.square().sum(1).sqrt().clamp_min(new Scalar(1e-12)).unsqueeze(1));
  }
}
