package dev.winnow.cli;

import picocli.CommandLine.Option;

/** How often a benchmark measures, and how it prints. */
final class BenchMixin {
  @Option(names = "--runs", paramLabel = "N",
      description = "Measured repetitions of each, after one that is not. Default: " + BenchCommand.RUNS + " of a model, "
          + BenchKernelsCommand.RUNS + " of kernels.")
  private Integer runs;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  int runs(int byDefault) { return runs == null ? byDefault : runs; }

  boolean json() { return json; }
}
