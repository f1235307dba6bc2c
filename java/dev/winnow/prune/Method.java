package dev.winnow.prune;

import dev.winnow.InvalidInputException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;

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

  /**
   * The plan for a model. Throws InvalidInputException where settings and budget both say how many tokens stay and do not agree.
   *
   * @param budget tokens per image on average over the layers
   * @param imageTokens tokens of the largest image; 0 where there is none to prune, and then the budget does not matter
   */
  default Plan plan(ModelShape shape, Map<String, String> given, OptionalInt budget, int imageTokens) {
    Settings settings = Settings.of(this, shape, given);
    if (budget.isEmpty() || imageTokens == 0) return plan(shape, settings);
    Map<String, String> changed = new LinkedHashMap<>(given);
    changed.putAll(budget(shape, settings, imageTokens, budget.getAsInt()));
    Plan byBudget = plan(shape, Settings.of(this, shape, changed));
    String counts = counts(given);
    if (counts.isEmpty()) return byBudget;
    int[] stated = PlannedRows.of(plan(shape, settings), shape.layers(), imageTokens);
    if (Arrays.equals(stated, PlannedRows.of(byBudget, shape.layers(), imageTokens))) return byBudget;
    throw new InvalidInputException("method '" + name() + "': " + counts + " and a budget of " + budget.getAsInt()
        + " both say how many tokens stay, and they do not agree; leave one of them out");
  }

  /** Those of the given settings that say how many tokens stay, "keep=64", or nothing. */
  default String counts(Map<String, String> given) {
    return parameters().stream().filter(Parameter::counting).filter(parameter -> !given.getOrDefault(parameter.name(), "").isBlank())
        .map(parameter -> parameter.name() + "=" + given.get(parameter.name()).strip()).collect(Collectors.joining(" "));
  }
}
