package dev.winnow.bench;

import dev.winnow.InvalidInputException;
import dev.winnow.eval.Variant;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Plan;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What {@link BenchPrefill} measures beside the plan that removes nothing.
 *
 * @param variants in this order
 * @param budget tokens per picture on average over the decoder's layers, for each of them; empty for what their own parameters give
 */
public record BenchPruning(List<Variant> variants, OptionalInt budget) {
  public static final BenchPruning NONE = new BenchPruning(List.of(), OptionalInt.empty());

  public BenchPruning {
    variants = List.copyOf(variants);
    if (budget.isPresent() && budget.getAsInt() < 0) {
      throw new InvalidInputException("budget must be 0 or more tokens, not " + budget.getAsInt());
    }
    if (budget.isPresent() && variants.isEmpty()) {
      throw new InvalidInputException("--budget says how much a method keeps; name one with --method or --variant");
    }
  }

  /**
   * Methods that share settings.
   *
   * @param settings each is given to the methods that have a parameter of this name
   * @throws InvalidInputException if there is no such method, or none has the parameter
   */
  public static List<Variant> sharing(List<String> methods, Map<String, String> settings) {
    List<Method> named = methods.stream().map(Methods::named).toList();
    for (String key : settings.keySet()) {
      if (named.stream().noneMatch(method -> has(method, key))) {
        throw new InvalidInputException("parameter '" + key + "' belongs to none of the methods measured ("
            + String.join(", ", methods) + ")");
      }
    }
    List<Variant> variants = new ArrayList<>();
    for (Method method : named) {
      Map<String, String> own = new LinkedHashMap<>();
      settings.forEach((key, value) -> {
        if (has(method, key)) own.put(key, value);
      });
      variants.add(new Variant(method.name(), method.name(), own, null));
    }
    return variants;
  }

  private static boolean has(Method method, String parameter) {
    return method.parameters().stream().map(Parameter::name).anyMatch(parameter::equals);
  }

  /**
   * The plans of the variants, in their order.
   *
   * @param tower whether a tower is measured, in which plans may cut
   * @param imageTokens rows of the picture when nothing is removed
   * @throws InvalidInputException if a variant cannot do with the model or the budget
   */
  List<Plan> plans(ModelShape shape, boolean tower, int imageTokens) {
    List<Plan> plans = variants.stream().map(variant -> variant.plan(shape, budget, imageTokens)).toList();
    for (Plan plan : plans) {
      if (tower || plan.visionCuts().isEmpty()) continue;
      throw new InvalidInputException("method '" + plan.method() + "' cuts before the decoder (" + plan.visionCuts().get(0).site()
          + "), and without --tower the decoder alone is measured; add --tower");
    }
    return plans;
  }
}
