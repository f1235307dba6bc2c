package dev.winnow.bench;

import dev.winnow.engine.Threads;
import dev.winnow.kernels.NativeLibrary;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.PointerScope;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * The kernels through the binding under JMH, each beside the libtorch composition: the cases of {@code winnow bench kernels}. JMH runs one
 * benchmark after the other; where the machine is shared, that command, which takes turns, gives the fairer comparison.
 *
 * <p>{@code mvn -B -DskipTests test-compile exec:exec@bench -Dbench=select} measures the cases with "select" in their name.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"-Xmx1g", "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0"})
public class KernelBenchmarks {
  /** Name and size of a case; {@link #labels} has them all, so none is listed here. */
  @Param({})
  public String kernel;

  private PointerScope data;
  private BenchKernelCases.Case work;

  static String label(BenchKernelCases.Plan plan) { return plan.name() + ", " + plan.size(); }

  /** The cases with this text in their label. */
  static List<String> labels(String filter) {
    return BenchKernelCases.all().stream().map(KernelBenchmarks::label).filter(label -> label.contains(filter)).toList();
  }

  @Setup(Level.Trial) public void prepare() {
    NativeLibrary.load();
    Threads.use(1);
    data = new PointerScope();
    work = BenchKernelCases.all().stream().filter(plan -> label(plan).equals(kernel)).findFirst().orElseThrow().prepare().get();
  }

  /** Frees the data, which the scope of this thread holds. */
  @TearDown(Level.Trial) public void close() { data.close(); }

  @Benchmark public void winnow() {
    try (PointerScope scope = new PointerScope()) {
      work.ours().run();
    }
  }

  @Benchmark public void libtorch() {
    try (PointerScope scope = new PointerScope()) {
      work.theirs().run();
    }
  }

  /** The benchmarks of the cases with these labels. */
  static ChainedOptionsBuilder options(List<String> labels) {
    return new OptionsBuilder().include(KernelBenchmarks.class.getName()).param("kernel", labels.toArray(String[]::new));
  }

  /** @param args nothing, or a text that the cases to run have in their label */
  public static void main(String[] args) throws RunnerException {
    String filter = args.length == 0 ? "" : args[0];
    List<String> labels = labels(filter);
    if (labels.isEmpty()) throw new IllegalArgumentException("no case has '" + filter + "' in its name");
    new Runner(options(labels).build()).run();
  }
}
