package dev.winnow.conform;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs conformance files, golden or parity, through the engine's own code. */
public final class Conformance {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Conformance() {}

  /**
   * @param largest largest deviation of a float, {@code largestAt} where
   * @param compared values compared
   * @param mismatches one line each; empty where the case passed
   */
  public record Result(String file, String name, boolean passed, double largest, String largestAt, int compared, List<String> mismatches) {}

  /** Runs every case of a file. Throws InvalidInputException where the file is not in a known format. */
  public static List<Result> run(Path file) {
    JsonNode root = read(file);
    List<Result> results = new ArrayList<>();
    boolean golden = root.has("method") && root.path("cases").isArray();
    if (!golden && !ParityFile.recognises(root)) {
      throw new InvalidInputException(file + " is neither a golden file (method, cases) nor a parity file (path, family, cases)");
    }
    if (!golden) return ParityFile.run(file, root);
    if (root.get("cases").isEmpty()) throw new InvalidInputException(file + " has no cases");
    for (JsonNode oneCase : root.get("cases")) results.add(golden(file, root.get("method").asText(), oneCase));
    return results;
  }

  /** The kinds that several methods share the name of. */
  private static void features(String method, JsonNode oneCase, Check check) {
    if (method.equals("dart")) DartCase.run(oneCase.get("inputs"), oneCase.get("params"), oneCase.get("expected"), check);
    else PatchCases.run(method, oneCase, check);
  }

  private static Result golden(Path file, String method, JsonNode oneCase) {
    Check check = Check.of(oneCase.path("tolerance"));
    for (String part : new String[] {"inputs", "params", "expected"}) {
      if (!oneCase.path(part).isObject()) check.failed("the case has no object '" + part + "'");
    }
    if (!check.mismatches().isEmpty()) return result(file, oneCase.path("name").asText(), check);
    try {
      switch (oneCase.path("kind").asText()) {
        case "llm_trace", "shape_trace" -> LlmTrace.run(method, oneCase, check);
        case "raters" -> SparseVlmCases.raters(oneCase.get("inputs"), oneCase.get("expected"), check);
        case "score" -> SparseVlmCases.score(oneCase.get("inputs"), oneCase.get("params"), oneCase.get("expected"), check);
        case "clustering" -> SparseVlmCases.clustering(oneCase.get("inputs"), oneCase.get("params"), oneCase.get("expected"), check);
        case "gravity" -> SparseVlmCases.gravity(oneCase.get("params"), oneCase.get("expected"), check);
        case "schedule" -> SparseVlmCases.schedule(oneCase.get("params"), oneCase.get("expected"), check);
        case "dual_filter" -> MustDropCases.filter(oneCase.get("inputs"), oneCase.get("params"), oneCase.get("expected"), check);
        case "cache_composition" -> MustDropCases.cachePolicy(oneCase.get("inputs"), oneCase.get("params"), oneCase.get("expected"), check);
        case "window_merge" -> WindowMergeCases.merge(oneCase.get("inputs"), oneCase.get("params"), oneCase.get("expected"), check);
        case "key_tokens" -> WindowMergeCases.keyTokens(oneCase.get("inputs"), oneCase.get("expected"), check);
        case "encoder_trace" -> WindowMergeCases.encoder(oneCase.get("inputs"), oneCase.get("expected"), check);
        case "layer_search" -> LayerSearchCase.run(oneCase, check);
        case "features" -> features(method, oneCase, check);
        case "scores", "single", "budgets", "tiles", "keywords", "anchors", "sequence", "distance_bias" ->
            PatchCases.run(method, oneCase, check);
        default -> throw new InvalidInputException("there is no kind '" + oneCase.path("kind").asText() + "'");
      }
    } catch (WinnowException e) {
      // where the original code fails, a refusal that names its cause will do
      if (oneCase.path("expected").has("error")) check.same("refusal without a cause", e.getMessage().isBlank(), false);
      else check.failed(e.getMessage());
    } catch (RuntimeException e) {
      // a field that is missing or has another form; the other cases of the file are none the worse for it
      check.failed("the case is not in the form of its kind: " + e);
    } catch (OutOfMemoryError e) {
      check.failed("the case does not fit into memory: its sizes are absurd, or the heap (-Xmx in WINNOW_JAVA_OPTS) is too small");
    }
    return result(file, oneCase.path("name").asText(), check);
  }

  static Result result(Path file, String name, Check check) {
    List<String> mismatches = new ArrayList<>(check.mismatches());
    if (check.compared() == 0) mismatches.add("nothing was compared");
    String shortName = file.getFileName().toString();
    return new Result(shortName, name, mismatches.isEmpty(), check.largest(), check.largestAt(), check.compared(), mismatches);
  }

  private static JsonNode read(Path file) {
    try {
      return JSON.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(file + " is not valid JSON (" + e.getOriginalMessage().lines().findFirst().orElse("")
          + "); give golden or parity files", e);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such file; check the path", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read (" + e.getMessage() + "); give golden or parity files", e);
    }
  }
}
