package dev.winnow.eval;

import dev.winnow.WinnowException;
import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.SequenceRun;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Plan;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.bytedeco.pytorch.Tensor;

/**
 * The layer search of VTW: how far the distribution of the first answer token moves when all image tokens leave at layer k, as
 * D_KL(withdrawn || full) in nats, for k = 5 .. layers-1; the first layer whose mean over samples does not exceed a threshold is chosen. Logits are float32, the sums float64
 * (the public code computes them in half precision, where they are noise at these thresholds).
 */
public final class VtwLayerSearch {
  /** The first layer that the published search tries. */
  public static final int FIRST_LAYER = 5;

  private final Decoder decoder;

  public VtwLayerSearch(Decoder decoder) { this.decoder = decoder; }

  /**
   * @param rows the prompt, [n, hidden]
   * @param segments what it is made of; every image segment is withdrawn
   * @return divergence of each layer from {@link #FIRST_LAYER} on
   */
  public double[] divergences(Tensor rows, List<Segment> segments) {
    int layers = decoder.config().layers();
    double[] full = logProbabilities(rows, segments, Plan.NONE);
    double[] divergences = new double[Math.max(0, layers - FIRST_LAYER)];
    for (int i = 0; i < divergences.length; i++) {
      Map<String, String> at = Map.of("layer", String.valueOf(FIRST_LAYER + i));
      double[] withdrawn = logProbabilities(rows, segments, Methods.named("vtw").plan(new ModelShape(layers, 0, true), at, OptionalInt.empty(), 0));
      for (int v = 0; v < full.length; v++) divergences[i] += Math.exp(withdrawn[v]) * (withdrawn[v] - full[v]);
    }
    return divergences;
  }

  /** The first layer whose mean divergence is at most {@code threshold}. Throws if there is none. */
  public static int choose(double[] means, double threshold) {
    for (int i = 0; i < means.length; i++) if (means[i] <= threshold) return FIRST_LAYER + i;
    throw new WinnowException("no layer from " + FIRST_LAYER + " on has a mean divergence of at most " + threshold + "; raise the threshold");
  }

  private double[] logProbabilities(Tensor rows, List<Segment> segments, Plan plan) {
    try (SequenceRun run = new SequenceRun(decoder)) {
      run.prompt(rows, segments, 0, plan, 0);
      float[] logits = SequenceRun.advance(decoder, List.of(run), StepObserver.NONE)[0];
      double max = Double.NEGATIVE_INFINITY;
      for (float logit : logits) max = Math.max(max, logit);
      double sum = 0;
      for (float logit : logits) sum += Math.exp(logit - max);
      double[] logs = new double[logits.length];
      for (int v = 0; v < logs.length; v++) logs[v] = logits[v] - max - Math.log(sum);
      return logs;
    }
  }
}
