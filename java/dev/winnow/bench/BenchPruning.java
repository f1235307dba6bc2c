package dev.winnow.bench;

import dev.winnow.InvalidInputException;
import dev.winnow.eval.Variant;
import dev.winnow.calibrate.BudgetTarget;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.engine.PromptSize;
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
 * @param kvBytes each of them gets the largest budget with which the KV cache holds at most that when the prompt is done; infinite for any
 *     number, and then {@code budget} holds
 */
public record BenchPruning(List<Variant> variants, OptionalInt budget, double kvBytes) {
  public static final BenchPruning NONE = new BenchPruning(List.of(), OptionalInt.empty());

  public BenchPruning(List<Variant> variants, OptionalInt budget) { this(variants, budget, Double.POSITIVE_INFINITY); }

  public BenchPruning {
    variants = List.copyOf(variants);
    boolean target = !Double.isInfinite(kvBytes);
    if (target && budget.isPresent()) throw new InvalidInputException("--target-kv-mb chooses the budget; leave --budget out");
    if (target && variants.isEmpty()) {
      throw new InvalidInputException("--target-kv-mb says how much a method may keep; name one with --method or --variant");
    }
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

  /** A plan under the name that tables give it. */
  record Named(String label, Plan plan) {}

  /**
   * The plans of the variants, in their order; where each has a budget of its own, its label tells it.
   *
   * @throws InvalidInputException if a variant cannot do with the model, the budget or the target
   */
  List<Named> plans(BenchModelOptions options) {
    List<Named> plans = variants.stream().map(variant -> plan(variant, options)).toList();
    for (Named named : plans) {
      Plan plan = named.plan();
      if (options.tower() || plan.visionCuts().isEmpty()) continue;
      throw new InvalidInputException("method '" + plan.method() + "' cuts before the decoder (" + plan.visionCuts().get(0).site()
          + "), and without --tower the decoder alone is measured; add --tower");
    }
    return plans;
  }

  private Named plan(Variant variant, BenchModelOptions options) {
    ModelConfig config = options.shape().model(options.layers());
    ModelShape shape = ModelShape.of(config, true); // a random CLIP stands beside the random model
    int tokens = options.imageTokens();
    if (Double.isInfinite(kvBytes)) return new Named(variant.label(), variant.plan(shape, budget, tokens));
    PromptSize size = new PromptSize(options.promptText(), new int[] {tokens}, 1, new int[options.layers()], options.decode());
    int chosen = new BudgetTarget(kvBytes, Double.POSITIVE_INFINITY, null)
        .choose(size, config.text(), options.dtype(), held -> variant.plan(shape, OptionalInt.of(held), tokens)).budget();
    return new Named(variant.label() + " at " + chosen, variant.plan(shape, OptionalInt.of(chosen), tokens));
  }
}
