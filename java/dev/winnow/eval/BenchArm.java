package dev.winnow.eval;

import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.KvPool;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.Flops;
import dev.winnow.engine.SequenceRun;
import dev.winnow.kernels.Vectors;
import dev.winnow.prune.Plan;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** One plan under measurement: every {@link #run} answers the same prompt once, in a sequence of its own, the way a session does. */
final class BenchArm {
  private final Plan plan;
  private final List<Double> prefill = new ArrayList<>();
  private final List<Double> prefillCpu = new ArrayList<>();
  private final List<Double> pruning = new ArrayList<>();
  private final List<Double> decodeCpu = new ArrayList<>();
  private final List<Double> decode = new ArrayList<>();
  private int[] lengths = {};
  private int[] computed = {};
  private long fullBytes;
  private long heldBytes;

  BenchArm(Plan plan) { this.plan = plan; }

  /** Answers the prompt and, unless this is a warm-up, keeps the times. */
  void run(Decoder decoder, KvPool pool, Tensor prompt, List<Segment> segments, int decodeTokens, boolean measured) {
    try (SequenceRun run = new SequenceRun(decoder)) {
      CutClock clock = new CutClock();
      BenchClock watch = new BenchClock();
      run.prompt(prompt, segments, 0, plan, decodeTokens);
      float[] logits = SequenceRun.advance(decoder, List.of(run), clock)[0];
      BenchClock.Lap prefillLap = watch.lap();
      lengths = run.sequence().cache().lengths();
      // a cut of the cache at the end takes no work back
      computed = run.sequence().cache().computedRows();
      watch.lap();
      for (int i = 0; i < decodeTokens; i++) {
        run.token(Vectors.argmax(logits));
        logits = SequenceRun.advance(decoder, List.of(run), StepObserver.NONE)[0];
        BenchClock.Lap lap = watch.lap();
        if (!measured) continue;
        decode.add(lap.wall());
        decodeCpu.add(lap.cpu());
      }
      fullBytes = run.sequence().cache().unprunedBytes();
      heldBytes = pool.heldBytes();
      if (!measured) return;
      prefill.add(prefillLap.wall());
      prefillCpu.add(prefillLap.cpu());
      pruning.add(clock.nanos / 1e6);
    }
  }

  /** Sums the time that the decoder spends on cuts. */
  private static final class CutClock implements StepObserver {
    long nanos;

    @Override public void cut(int layer, long nanos) { this.nanos += nanos; }
  }

  /** @param plainPrefill median of the plan that removes nothing, milliseconds */
  BenchResult.Row row(Decoder decoder, int promptRows, double plainPrefill) {
    Flops flops = Flops.of(decoder.config(), computed, promptRows, new int[computed.length]);
    return new BenchResult.Row(plan.method(), plan.parameters(), prefillMedian(), BenchStats.median(prefillCpu), BenchStats.median(pruning),
        BenchStats.median(decode), BenchStats.median(decodeCpu), plainPrefill / prefillMedian(),
        flops, fullBytes, heldBytes, lengths, List.copyOf(prefill));
  }

  double prefillMedian() { return BenchStats.median(prefill); }
}
