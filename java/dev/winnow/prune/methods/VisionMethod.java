package dev.winnow.prune.methods;

import dev.winnow.prune.Method;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Part;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Settings;
import dev.winnow.prune.VisionCut;
import java.util.LinkedHashMap;
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

  @Override public Plan plan(ModelShape shape, Settings settings) {
    VisionCut cut = cut(shape, settings);
    return Plan.of(this, settings, new VisionCut(cut.site(), cut.reducer(), spec(shape, settings)));
  }

  /** Without the defaults that are of this model's tower, so that a plan file serves others too. */
  private Part.Spec spec(ModelShape shape, Settings settings) {
    Map<String, String> said = new LinkedHashMap<>();
    for (Parameter parameter : parameters) {
      String value = settings.values().get(parameter.name());
      boolean ofTheModel = !parameter.defaultText().equals(value) && parameter.byDefault().apply(shape).equals(value);
      if (!ofTheModel) said.put(parameter.name(), value);
    }
    return new Part.Spec(name, said);
  }

  @Override public Map<String, String> budget(ModelShape shape, Settings settings, int imageTokens, int tokens) {
    return Map.of("tokens", String.valueOf(tokens));
  }
}
