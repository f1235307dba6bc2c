package dev.winnow.conform;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.WinnowException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** One case of a golden file: which code runs it, and what is said of a case that is not in the form of its kind. */
final class GoldenCase {
  /** Kinds of cases per method. */
  private static final Map<String, List<String>> KINDS = Map.ofEntries(
      Map.entry("pyramiddrop", List.of("llm_trace")), Map.entry("fastv", List.of("llm_trace")),
      Map.entry("vtw", List.of("llm_trace", "layer_search")), Map.entry("dart", List.of("features")),
      Map.entry("sparsevlm", List.of("llm_trace", "raters", "score", "clustering", "gravity", "schedule")),
      Map.entry("mustdrop", List.of("llm_trace", "shape_trace", "dual_filter", "cache_composition", "window_merge", "key_tokens",
          "encoder_trace")),
      Map.entry("prumerge", List.of("features")), Map.entry("prumerge_plus", List.of("features")), Map.entry("fopru", List.of("scores")),
      Map.entry("visionzip", List.of("features")), Map.entry("fastervlm", List.of("features")), Map.entry("vispruner", List.of("features")),
      Map.entry("hired", List.of("single", "budgets", "tiles")), Map.entry("divprune", List.of("features")),
      Map.entry("cdpruner", List.of("features")), Map.entry("holov", List.of("features")), Map.entry("tome", List.of("features")),
      Map.entry("scope", List.of("features")), Map.entry("mmtok", List.of("features", "keywords")),
      Map.entry("hiprune", List.of("features")), Map.entry("eadp", List.of("features")),
      Map.entry("restore_anchors", List.of("anchors", "sequence", "distance_bias")));

  /**
   * Fields that cases of a kind (or of DART) tell and nothing is compared with: what follows from other fields, and what happens inside a
   * stage, whose outcome is compared.
   */
  private static final Map<String, Set<String>> TOLD = Map.of(
      "llm_trace", Set.of("inputs.model.weights.gen"),
      "shape_trace", Set.of("inputs.model.weights.gen", "params.global_thr", "params.individual_thr", "params.decode_steps"),
      "layer_search", Set.of("inputs.model.weights.gen", "inputs.prompt"),
      "dual_filter", Set.of("inputs.prompt.text"), "score", Set.of("inputs.prompt.text"),
      "schedule", Set.of("params.budgets", "params.vision_tokens"),
      "dart", Set.of("params.length", "params.tokens", "params.reduction_ratio"));

  private GoldenCase() {}

  static List<String> methods() { return KINDS.keySet().stream().sorted().toList(); }

  static Conformance.Result run(Path file, String method, JsonNode raw, int number) {
    String name = raw.path("name").isTextual() ? raw.path("name").asText() : "case " + number;
    Check check = new Check(0, 0, 0);
    try {
      CaseNode oneCase = CaseNode.of(raw);
      if (!oneCase.isObject()) throw oneCase.mustBe("an object");
      check = Check.of(oneCase.path("tolerance"));
      run(method, oneCase, check);
    } catch (CaseFormException e) {
      check.failed(e.getMessage());
    }
    return Conformance.result(file, name, check);
  }

  private static void run(String method, CaseNode oneCase, Check check) {
    String kind = oneCase.get("kind").asText();
    List<String> kinds = KINDS.get(method);
    if (kinds == null) throw new CaseFormException("there are no cases of method '" + method + "'; methods are " + methods());
    if (!kinds.contains(kind)) throw new CaseFormException("kind must be one of " + kinds + " for " + method + ", is '" + kind + "'");
    CaseNode inputs = oneCase.get("inputs");
    CaseNode params = oneCase.get("params");
    CaseNode expected = oneCase.get("expected");
    boolean fails = expected.has("error");
    try {
      switch (kind) {
        case "llm_trace", "shape_trace" -> LlmTrace.run(method, oneCase, check);
        case "raters" -> SparseVlmCases.raters(inputs, expected, check);
        case "score" -> SparseVlmCases.score(inputs, params, expected, check);
        case "clustering" -> SparseVlmCases.clustering(inputs, params, expected, check);
        case "gravity" -> SparseVlmCases.gravity(params, expected, check);
        case "schedule" -> SparseVlmCases.schedule(params, expected, check);
        case "dual_filter" -> MustDropCases.filter(inputs, params, expected, check);
        case "cache_composition" -> MustDropCases.cachePolicy(inputs, params, expected, check);
        case "window_merge" -> WindowMergeCases.merge(inputs, params, expected, check);
        case "key_tokens" -> WindowMergeCases.keyTokens(inputs, expected, check);
        case "encoder_trace" -> WindowMergeCases.encoder(inputs, expected, check);
        case "layer_search" -> LayerSearchCase.run(oneCase, check);
        default -> {
          if (method.equals("dart")) DartCase.run(inputs, params, expected, check);
          else PatchCases.run(method, oneCase, check);
        }
      }
      if (!fails) unread(method.equals("dart") ? method : kind, oneCase, check);
    } catch (CaseFormException e) {
      throw e;
    } catch (WinnowException e) {
      // where the original code fails, a refusal that names its cause will do
      if (fails) check.same("refusal without a cause", e.getMessage().isBlank(), false);
      else check.failed(e.getMessage());
    } catch (RuntimeException e) {
      check.failed("it cannot be computed: sizes or indices of its fields do not fit together (" + shapes(inputs) + ")");
    } catch (OutOfMemoryError e) {
      check.failed("it does not fit into memory: its sizes are absurd, or the heap (-Xmx in WINNOW_JAVA_OPTS) is too small");
    }
  }

  /** Names the fields that nothing looked at. */
  private static void unread(String kind, CaseNode oneCase, Check check) {
    Set<String> told = TOLD.getOrDefault(kind, Set.of());
    for (String part : List.of("inputs", "params", "expected")) {
      oneCase.get(part).unread().stream().filter(path -> !told.contains(path.replaceAll("\\[\\d+]", ""))).forEach(check::unread);
    }
  }

  /** The shapes of the tensors that a case gives. */
  private static String shapes(CaseNode inputs) {
    List<String> shapes = new ArrayList<>();
    inputs.properties().forEach((name, input) -> {
      if (input.isObject() && input.has("shape")) shapes.add("inputs." + name + " " + input.get("shape"));
    });
    return shapes.isEmpty() ? "it has no tensors" : String.join(", ", shapes);
  }
}
