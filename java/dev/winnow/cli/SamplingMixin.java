package dev.winnow.cli;

import dev.winnow.engine.Sampling;
import picocli.CommandLine.Option;

/** How the next token is chosen. */
final class SamplingMixin {
  @Option(names = "--seed", paramLabel = "N", defaultValue = "0",
      description = "Seed for --temperature; the same seed gives the same answer. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(names = "--temperature", paramLabel = "T", defaultValue = "0",
      description = "0 takes the most likely token, always; larger values vary more. Default: ${DEFAULT-VALUE}.")
  private double temperature;

  @Option(names = "--top-p", paramLabel = "P", defaultValue = "1",
      description = "Draw from the most likely tokens whose probabilities add up to P. Default: ${DEFAULT-VALUE}, all.")
  private double topP;

  @Option(names = "--top-k", paramLabel = "K", defaultValue = "0",
      description = "Draw from the K most likely tokens. Default: ${DEFAULT-VALUE}, all.")
  private int topK;

  Sampling sampling() { return new Sampling(temperature, topP, topK, seed); }
}
