package dev.winnow.prune.methods;

import dev.winnow.prune.Method;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Settings;
import dev.winnow.prune.VisionCut;
import java.util.List;
import java.util.Map;

/**
 * A method whose whole effect is a shorter input of the decoder: its parameter {@code tokens} is the number of rows of one picture that
 * enter it, which is also the average over the layers.
 */
abstract class VisionMethod implements Method {
  private final String name;
  private final String summary;
  private final String source;
  private final List<Parameter> parameters;

  VisionMethod(String name, String summary, String source, Parameter... parameters) {
    this.name = name;
    this.summary = summary;
    this.source = source;
    this.parameters = List.of(parameters);
  }

  abstract VisionCut cut(ModelShape shape, Settings settings);

  @Override public final String name() { return name; }

  @Override public final String summary() { return summary; }

  @Override public final String source() { return source; }

  @Override public final List<Parameter> parameters() { return parameters; }

  @Override public Plan plan(ModelShape shape, Settings settings) { return Plan.of(this, settings, cut(shape, settings)); }

  @Override public Map<String, String> budget(ModelShape shape, Settings settings, int imageTokens, int tokens) {
    return Map.of("tokens", String.valueOf(tokens));
  }
}
