package dev.winnow.bench;

import dev.winnow.eval.BenchStats;
import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.Flops;
import dev.winnow.engine.Pictures;
import dev.winnow.engine.Prompt;
import dev.winnow.engine.SequenceRun;
import dev.winnow.kernels.Vectors;
import dev.winnow.prune.Plan;
import dev.winnow.prune.VisionNeeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;

/** One plan under measurement: every {@link #run} answers the same prompt once, in a sequence of its own, the way a session does. */
final class BenchArm {
  private final String label;
  private final Plan plan;
  private final List<Double> vision = new ArrayList<>();
  private final List<Double> prefill = new ArrayList<>();
  private final List<Double> both = new ArrayList<>();
  private final List<Double> prefillCpu = new ArrayList<>();
  private final List<Double> pruning = new ArrayList<>();
  private final List<Double> decodeCpu = new ArrayList<>();
  private final List<Double> decode = new ArrayList<>();
  private int entering;
  private int[] lengths = {};
  private int[] computed = {};
  private float[] logits = {};
  private long fullBytes;
  private long heldBytes;

  /** @param label what the plan is called in tables */
  BenchArm(String label, Plan plan) {
    this.label = label;
    this.plan = plan;
  }

  /** Whether the plan looks at CLIP's common space. */
  boolean asksClip() { return plan.visionCuts().stream().anyMatch(cut -> cut.reducer().needs().clip() != VisionNeeds.Clip.NOTHING); }

  /** Where the rows of the picture come from. */
  interface Picture {
    /** @param scope owns what is made */
    Pictures under(Plan plan, PointerScope scope);
  }

  /**
   * Answers the prompt and, unless this is a warm-up, keeps the times.
   *
   * @param ids of the prompt, {@code imageId} where the picture stands
   */
  void run(BenchModel model, int[] ids, int imageId, Picture picture, int decodeTokens, boolean measured) {
    Decoder decoder = model.decoder();
    try (PointerScope scope = new PointerScope(); SequenceRun run = new SequenceRun(decoder)) {
      CutClock clock = new CutClock();
      BenchClock watch = new BenchClock();
      Pictures pictures = picture.under(plan, scope);
      BenchClock.Lap visionLap = watch.lap();
      Prompt prompt = Prompt.assemble(ids, imageId, pictures.rows(), 0, decoder);
      run.prompt(prompt.rows(), prompt.segments(), 0, plan, decodeTokens);
      pictures.announce(run, 0);
      logits = SequenceRun.advance(decoder, List.of(run), clock)[0];
      BenchClock.Lap prefillLap = watch.lap();
      entering = (int) pictures.rows().get(0).size(0);
      lengths = run.sequence().cache().lengths();
      // a cut of the cache at the end takes no work back
      computed = run.sequence().cache().computedRows();
      decode(decoder, run, decodeTokens, measured);
      fullBytes = run.sequence().cache().unprunedBytes();
      heldBytes = model.pool().heldBytes();
      if (!measured) return;
      vision.add(visionLap.wall());
      prefill.add(prefillLap.wall());
      both.add(visionLap.wall() + prefillLap.wall());
      prefillCpu.add(prefillLap.cpu());
      pruning.add(clock.nanos / 1e6);
    }
  }

  private void decode(Decoder decoder, SequenceRun run, int tokens, boolean measured) {
    float[] last = logits;
    BenchClock watch = new BenchClock();
    for (int i = 0; i < tokens; i++) {
      run.token(Vectors.argmax(last));
      last = SequenceRun.advance(decoder, List.of(run), StepObserver.NONE)[0];
      BenchClock.Lap lap = watch.lap();
      if (!measured) continue;
      decode.add(lap.wall());
      decodeCpu.add(lap.cpu());
    }
  }

  /** Sums the time that the decoder spends on cuts. */
  private static final class CutClock implements StepObserver {
    long nanos;

    @Override public void cut(int layer, long nanos) { this.nanos += nanos; }
  }

  /** Logits of the prompt's last row, float32 [vocab], in the last run. */
  float[] logits() { return logits; }

  /** @param plain the arm of the plan that removes nothing */
  BenchResult.Row row(Decoder decoder, BenchModelOptions options, BenchArm plain) {
    Flops flops = Flops.of(decoder.config(), computed, options.rows(), new int[computed.length]);
    BenchResult.Times times = new BenchResult.Times(options.tower() ? BenchStats.median(vision) : Double.NaN, BenchStats.median(prefill),
        BenchStats.median(both), BenchStats.median(prefillCpu), BenchStats.median(pruning), BenchStats.median(decode),
        BenchStats.median(decodeCpu));
    double average = Arrays.stream(computed).average().orElseThrow() - options.promptText();
    return new BenchResult.Row(label, plan.method(), plan.parameters(), times, BenchStats.median(plain.prefill) / times.prefill(),
        BenchStats.median(plain.both) / times.both(), flops, entering, average, fullBytes, heldBytes, lengths, List.copyOf(vision),
        List.copyOf(prefill));
  }
}
