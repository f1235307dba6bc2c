package dev.winnow.bench;

import dev.winnow.eval.BenchStats;
import dev.winnow.InvalidInputException;
import dev.winnow.engine.MemoryCheck;
import dev.winnow.engine.Threads;
import dev.winnow.kernels.Tensors;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Measures the native kernels through their typed face beside the libtorch compositions that a user would write, and beside what memory
 * gives, all in turns: ours, theirs, memory, ours, ... One thread. Times are processor time of that thread, so that others who use the machine
 * disturb them little.
 */
public final class BenchKernels {
  /** The largest case: a cache, twice for the composition that is not in place. */
  private static final long BYTES = 1300L << 20;
  /** A timed sample is made of as many calls as take about this long. */
  private static final long SAMPLE_NANOS = 2_000_000;
  private static final int MOST_CALLS = 2000;
  /** Calls before anything is measured take this long, or a single call does: until then the JVM interprets. */
  private static final long WARM_NANOS = 500_000_000;
  /** Repetitions of a case stop after this long, once there are three. */
  private static final long CASE_NANOS = 20_000_000_000L;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private BenchKernels() {}

  /** @param only measures the cases that have this in their name */
  public static BenchKernelsResult run(String only, int runs) {
    if (runs < 1) throw new InvalidInputException("runs=" + runs + " is not valid; give 1 or more");
    MemoryCheck.require(BYTES, "measuring the kernels");
    Threads.use(1);
    List<BenchKernelCases.Plan> plans = BenchKernelCases.all().stream().filter(plan -> plan.name().contains(only)).toList();
    if (plans.isEmpty()) throw new InvalidInputException("no kernel has '" + only + "' in its name; leave --only out to see all");
    List<BenchKernelsResult.Row> rows = new ArrayList<>();
    try (PointerScope memory = new PointerScope()) {
      Memory ceilings = new Memory();
      for (BenchKernelCases.Plan plan : plans) {
        try (PointerScope scope = new PointerScope()) {
          rows.add(measure(plan, plan.prepare().get(), ceilings, runs));
        }
      }
    }
    return new BenchKernelsResult(runs, rows);
  }

  /** What this machine's memory gives to libtorch's own sum and copy, over a buffer that no cache holds. */
  private static final class Memory {
    private static final long BYTES = 256L << 20;
    private final Tensor whole = Tensors.uninitialised(ScalarType.Float, Tensors.CPU, BYTES / 4).fill_(new Scalar(1));
    private final Tensor from = whole.narrow(0, 0, BYTES / 8);
    private final Tensor to = whole.narrow(0, BYTES / 8, BYTES / 8);

    Runnable of(BenchKernelCases.Traffic traffic) { return traffic == BenchKernelCases.Traffic.READ ? whole::sum : () -> to.copy_(from); }
  }

  private static BenchKernelsResult.Row measure(BenchKernelCases.Plan plan, BenchKernelCases.Case work, Memory memory, int runs) {
    Sampler ours = new Sampler(work.ours());
    Sampler theirs = new Sampler(work.theirs());
    Sampler ceiling = new Sampler(memory.of(work.traffic()));
    long begin = System.nanoTime();
    for (int run = 0; run < runs && (run < 3 || System.nanoTime() - begin < CASE_NANOS); run++) {
      ours.sample();
      theirs.sample();
      ceiling.sample();
    }
    return new BenchKernelsResult.Row(plan.name(), plan.size(), work.beside(), work.bytes(), work.touched(), work.operations(),
        ours.median(), theirs.median(), Memory.BYTES / ceiling.median() / 1e3);
  }

  /** Samples one piece of work. The calls before, which are not measured, tell how many make a sample. */
  private static final class Sampler {
    private final Runnable work;
    private final int calls;
    private final List<Double> micros = new ArrayList<>();

    Sampler(Runnable work) {
      this.work = work;
      long begin = System.nanoTime();
      long once = time(1);
      while (System.nanoTime() - begin < WARM_NANOS) once = Math.min(once, time(1));
      calls = (int) Math.max(1, Math.min(MOST_CALLS, SAMPLE_NANOS / Math.max(1, once)));
    }

    void sample() { micros.add(time(calls) / 1e3 / calls); }

    double median() { return BenchStats.median(micros); }

    private long time(int count) {
      long begin = THREADS.getCurrentThreadCpuTime();
      for (int i = 0; i < count; i++) {
        try (PointerScope scope = new PointerScope()) {
          work.run();
        }
      }
      return THREADS.getCurrentThreadCpuTime() - begin;
    }
  }
}
