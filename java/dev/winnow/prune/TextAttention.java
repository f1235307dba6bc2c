package dev.winnow.prune;

import static org.bytedeco.pytorch.global.torch.cat;

import dev.winnow.kernels.Tensors;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Attention of the text behind an image to the image's tokens, in the layer before the cut: softmax over all visible keys, mean over heads,
 * then the sum or the mean over the text rows that count, the raters. Gives the scores and, below them, each rater's own row.
 *
 * @param raters which text rows count
 * @param pool whether their attention is added or averaged
 */
public record TextAttention(Raters raters, Pool pool) implements Scorer {
  /** Which text rows count; the rules by the mean are SparseVLM's (arXiv 2410.04417, and its code). */
  public enum Raters {
    /** All of them (MustDrop). */
    ALL,
    /** Those that the image resembles more than the mean: softmax over the text of vision . text, mean over the image's tokens. */
    ABOVE_MEAN,
    /** The same, a text row at the mean included (the SparseVLM paper's formula). */
    AT_LEAST_MEAN
  }

  public enum Pool { SUM, MEAN }

  @Override public Spec spec() {
    return Spec.of("text-attention", "raters", PlanWords.of(raters), "pool", PlanWords.of(pool));
  }

  @Override public Input input() { return Input.LAYER_BEFORE; }

  @Override public boolean showsEvidence() { return true; }

  @Override public boolean choosesRaters() { return raters != Raters.ALL; }

  @Override public int[] raters(Candidates entrance) {
    int[] text = entrance.textRows();
    if (text.length == 0 || entrance.count() == 0) return new int[0];
    Tensor rows = entrance.view().hidden();
    float[] resemblance = resemblance(rows.narrow(0, entrance.firstRow(), entrance.count()), rows.index_select(0, Tensors.indices(text,
        rows.device())));
    return Arrays.stream(chosen(resemblance, raters)).map(i -> entrance.view().origins()[text[i]]).toArray();
  }

  /**
   * How much an image resembles each text row: softmax over the text rows of vision . text, mean over the vision rows, in float32.
   *
   * @param vision [n, hidden]
   * @param text [t, hidden]
   * @return [t], of sum 1
   */
  public static float[] resemblance(Tensor vision, Tensor text) {
    return Tensors.toFloats(vision.to(ScalarType.Float).matmul(text.to(ScalarType.Float).t()).softmax(1).mean(0));
  }

  /** Text rows, ascending, that the rule chooses by their resemblance. */
  public static int[] chosen(float[] resemblance, Raters rule) {
    float mean = mean(resemblance);
    return IntStream.range(0, resemblance.length)
        .filter(i -> rule == Raters.ALL || resemblance[i] > mean || rule == Raters.AT_LEAST_MEAN && resemblance[i] == mean).toArray();
  }

  /** The mean that rows must exceed, rounded to float32 once. */
  public static float mean(float[] values) {
    double sum = 0;
    for (float value : values) sum += value;
    return (float) (sum / values.length);
  }

  @Override public Tensor score(Candidates candidates) {
    int[] rows = raters == Raters.ALL ? candidates.textRows() : candidates.rowsAt(candidates.notes().raters());
    Tensor map = candidates.attentionOf(rows);
    Tensor sum = map.sum(0).unsqueeze(0);
    Tensor scores = pool == Pool.SUM || rows.length == 0 ? sum : sum.div_(new Scalar((double) rows.length));
    return cat(new TensorVector(scores, map), 0);
  }
}
