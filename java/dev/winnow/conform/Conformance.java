package dev.winnow.conform;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs conformance files, golden or parity, through the engine's own code. */
public final class Conformance {
  /** Reads NaN and infinities, which Python writes, so that the case is named in which they stand. */
  private static final ObjectMapper JSON = JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private Conformance() {}

  /**
   * @param largest largest deviation of a float, {@code largestAt} where
   * @param compared values compared
   * @param mismatches one line each; empty where the case passed
   * @param unread fields that a case of this kind does not have and that nothing looked at; a golden case is told of them, not failed
   */
  public record Result(String file, String name, boolean passed, double largest, String largestAt, int compared, List<String> mismatches,
      List<String> unread) {}

  /** Runs every case of a file. Throws InvalidInputException where the file is not in a known format. */
  public static List<Result> run(Path file) {
    JsonNode root = read(file);
    List<Result> results = new ArrayList<>();
    boolean golden = root.has("method") && root.path("cases").isArray();
    if (!golden && !(root.isObject() && ParityFile.recognises(CaseNode.of(root)))) {
      throw new InvalidInputException(file + " is neither a golden file (method, cases) nor a parity file (path, family, cases)");
    }
    if (!golden) return ParityFile.run(file, CaseNode.of(root));
    if (root.get("cases").isEmpty()) throw new InvalidInputException(file + " has no cases");
    for (JsonNode oneCase : root.get("cases")) {
      results.add(GoldenCase.run(file, root.get("method").asText(), oneCase, results.size() + 1));
    }
    return results;
  }

  static Result result(Path file, String name, Check check) {
    List<String> mismatches = new ArrayList<>(check.mismatches());
    if (check.compared() == 0) mismatches.add("nothing was compared");
    String shortName = file.getFileName().toString();
    return new Result(shortName, name, mismatches.isEmpty(), check.largest(), check.largestAt(), check.compared(), mismatches,
        check.unread());
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
