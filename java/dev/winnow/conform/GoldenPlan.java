package dev.winnow.conform;

import dev.winnow.decoder.PositionPolicy;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Plan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** The plan of a trace: golden parameters have the names of the methods' papers; this is where they become ours. */
final class GoldenPlan {
  /** Layers that the methods' public codes have built in. */
  private static final Map<String, String> BUILT_IN = Map.of("sparsevlm rank", "2,6,15,19", "sparsevlm", "2,6,15", "mustdrop", "2,6,10,14");

  private GoldenPlan() {}

  /**
   * @param layers decoder layers of the case's model
   * @param vision image tokens
   */
  static Plan of(String method, CaseNode params, int layers, int vision) {
    if (params.has("kept_per_stage")) return MustDropCases.imposed(params, layers, true);
    Map<String, String> given = new HashMap<>();
    params.properties().forEach((name, field) -> {
      String value = text(field);
      switch (name) {
        case "decode_steps" -> {}
        case "prune_ratio" -> given.put("ratio", value);
        case "budget" -> given.put("table", value);
        default -> given.put(name, value);
      }
    });
    String builtIn = BUILT_IN.getOrDefault(method + " " + given.get("version"), BUILT_IN.get(method));
    if (builtIn != null) given.putIfAbsent("layers", builtIn);
    if (method.equals("fastv") && params.get("layer").asInt() >= layers) {
      return new Plan(method, given, List.of(), PositionPolicy.KEEP, true);
    }
    if (given.containsKey("layers")) leaveOutUnreached(given, layers);
    return Methods.named(method).plan(new ModelShape(layers, 0, true), given, OptionalInt.empty(), vision);
  }

  /** The codes ask in every layer whether it is one of theirs: layers that the model lacks are never reached. */
  private static void leaveOutUnreached(Map<String, String> given, int layers) {
    List<String> all = items(given.get("layers"));
    List<String> reached = all.stream().filter(layer -> Integer.parseInt(layer) < layers).toList();
    if (reached.size() == all.size()) return;
    given.put("layers", String.join(",", reached));
    given.computeIfPresent("ratios", (name, ratios) -> String.join(",", items(ratios).subList(0, reached.size())));
  }

  private static List<String> items(String joined) { return joined.isEmpty() ? List.of() : Arrays.asList(joined.split(",")); }

  private static String text(CaseNode value) {
    if (!value.isArray()) return value.asText();
    List<String> items = new ArrayList<>();
    value.forEach(item -> items.add(item.asText()));
    return String.join(",", items);
  }
}
