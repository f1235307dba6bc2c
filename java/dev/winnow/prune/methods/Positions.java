package dev.winnow.prune.methods;

import dev.winnow.decoder.PositionPolicy;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Settings;

/** The parameter {@code positions} that several methods have. */
final class Positions {
  private Positions() {}

  /** @param source where the default comes from; the other value is an addition of ours */
  static Parameter parameter(String byDefault, String source) {
    return Parameter.of("positions", byDefault, "keep: rotary positions stay as they were; renumber: contiguous per layer (" + byDefault
        + ": " + source + "; the other: ours)");
  }

  static PositionPolicy of(Settings settings) {
    return settings.choice("positions", "keep", "renumber").equals("keep") ? PositionPolicy.KEEP : PositionPolicy.RENUMBER;
  }
}
