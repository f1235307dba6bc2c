package dev.winnow.prune.methods;

import dev.winnow.decoder.PositionPolicy;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Settings;

/** The parameter {@code positions} that several methods have. */
final class Positions {
  private Positions() {}

  static Parameter parameter(String byDefault) {
    return Parameter.of("positions", byDefault, "keep: rotary positions stay as they were; renumber: contiguous per layer");
  }

  static PositionPolicy of(Settings settings) {
    return settings.choice("positions", "keep", "renumber").equals("keep") ? PositionPolicy.KEEP : PositionPolicy.RENUMBER;
  }
}
