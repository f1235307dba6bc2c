package dev.winnow.cli;

import picocli.CommandLine.Option;

/** With how many threads to compute. */
final class ThreadsMixin {
  @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
      description = "CPU threads. Default: the processors that this process may use.")
  private int threads;

  int count() { return threads; }
}
