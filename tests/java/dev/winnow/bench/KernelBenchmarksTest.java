package dev.winnow.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Every benchmark runs once, at the smallest size; what it measures is of no matter here. */
class KernelBenchmarksTest {
  @Test void everyKernelRunsUnderJmhBesideItsComposition() throws RunnerException {
    List<BenchKernelCases.Plan> plans = BenchKernelCases.all().stream().filter(plan -> plan.tokens() == 576).toList();
    List<String> labels = plans.stream().map(KernelBenchmarks::label).toList();
    Collection<RunResult> results = new Runner(KernelBenchmarks.options(labels).mode(Mode.SingleShotTime).forks(0).warmupIterations(0)
        .measurementIterations(1).shouldFailOnError(true).verbosity(VerboseMode.SILENT).build()).run();
    assertEquals(2 * plans.size(), results.size());
    for (RunResult result : results) assertTrue(result.getPrimaryResult().getScore() > 0, () -> result.getParams().id());
  }

  @Test void everyCaseHasALabelOfItsOwn() {
    List<String> labels = KernelBenchmarks.labels("");
    assertEquals(labels.size(), labels.stream().distinct().count());
    for (String kernel : List.of("score", "select", "gather", "compact", "similarity", "dpp", "merge")) {
      assertTrue(!KernelBenchmarks.labels(kernel).isEmpty(), kernel);
    }
  }
}
