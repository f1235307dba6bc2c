package dev.winnow.calibrate;

import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.SequenceRun;
import dev.winnow.prune.Plan;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * How far plans move the distribution of a prompt's first answer token, as D_KL(pruned || full) in nats. Logits are float32, the sums
 * float64: in half precision divergences of the size that matters are noise.
 */
final class FirstTokenShift {
  private final Decoder decoder;
  private final Tensor rows;
  private final List<Segment> segments;
  private final double[] full;

  /**
   * @param rows the prompt, [n, hidden]; stays the caller's
   * @param segments what it is made of
   */
  FirstTokenShift(Decoder decoder, Tensor rows, List<Segment> segments) {
    this.decoder = decoder;
    this.rows = rows;
    this.segments = segments;
    this.full = logProbabilities(Plan.NONE);
  }

  double under(Plan plan) {
    double[] pruned = logProbabilities(plan);
    double divergence = 0;
    for (int v = 0; v < full.length; v++) divergence += Math.exp(pruned[v]) * (pruned[v] - full[v]);
    return divergence;
  }

  private double[] logProbabilities(Plan plan) {
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
