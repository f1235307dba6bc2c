package dev.winnow.prune;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** A named, published recipe that produces a plan. */
public interface Method {
  /** As typed after {@code --method}. */
  String name();

  /** What it does, in one or two sentences. */
  String summary();

  /** Paper, year, and the public code that it was checked against. */
  String source();

  List<Parameter> parameters();

  /** The plan with these settings. Throws InvalidInputException where they do not fit the model. */
  Plan plan(ModelShape shape, Settings settings);

  /**
   * The settings that make {@code tokens} image tokens stay on average over the decoder's layers, out of {@code imageTokens}, changing as
   * few parameters as possible. Throws InvalidInputException where the method cannot meet it.
   */
  Map<String, String> budget(ModelShape shape, Settings settings, int imageTokens, int tokens);

  /** The plan for a model. {@code budget} is tokens per image on average over the layers. */
  default Plan plan(ModelShape shape, Map<String, String> given, OptionalInt budget, int imageTokens) {
    Settings settings = Settings.of(this, shape, given);
    if (budget.isPresent() && imageTokens > 0) {
      Map<String, String> changed = new java.util.LinkedHashMap<>(given);
      changed.putAll(budget(shape, settings, imageTokens, budget.getAsInt()));
      settings = Settings.of(this, shape, changed);
    }
    return plan(shape, settings);
  }
}
