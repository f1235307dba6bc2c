package dev.winnow.cli;

import picocli.CommandLine.Option;

/** What is written besides the answer. */
final class TraceMixin {
  @Option(names = "--trace", paramLabel = "FILE",
      description = "Write one JSON object per turn: prompt ids, kept tokens of each cut, cache lengths, times. '-': standard output,"
          + " and the answer goes to the error stream.")
  private String file;

  @Option(names = "--trace-scores", description = "Put the scores of each cut into the trace.")
  private boolean scores;

  @Option(names = "--trace-logits", description = "Put the logits of the first token into the trace.")
  private boolean logits;

  boolean toStandardOutput() { return "-".equals(file); }

  /** Null where no trace is wanted. */
  TraceFile open(Console console) { return TraceFile.open(file, console, scores, logits); }
}
