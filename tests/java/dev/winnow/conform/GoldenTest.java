package dev.winnow.conform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The vectors of the methods' public implementations. */
class GoldenTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @ParameterizedTest
  @ValueSource(strings = {"pyramiddrop", "vtw", "fastv", "sparsevlm", "mustdrop", "dart", "fastervlm", "visionzip", "prumerge",
      "prumerge_plus", "fopru", "vispruner", "hired", "divprune", "cdpruner", "holov", "tome", "scope", "mmtok", "hiprune", "eadp",
      "restore_anchors"})
  void everyCasePasses(String method) {
    List<Conformance.Result> results = Conformance.run(TestData.path("goldens/" + method + ".json"));
    assertTrue(results.size() >= 4, "cases in the file");
    results.forEach(GoldenTest::passes);
  }

  /**
   * What the published files do not ask: images that vanish, stages behind the last layer, budgets of nothing and above everything, grids
   * of few patches, odd widths, several images, inputs that the original code fails on.
   */
  @ParameterizedTest
  @ValueSource(strings = {"pyramiddrop", "vtw", "fastv", "sparsevlm", "mustdrop", "dart", "fastervlm", "visionzip", "prumerge",
      "prumerge_plus", "fopru", "vispruner", "hired", "divprune", "cdpruner", "holov", "tome", "scope", "mmtok", "hiprune", "eadp",
      "restore_anchors"})
  void everyCaseAtTheEdgesPasses(String method) {
    List<Conformance.Result> results = Conformance.run(TestData.path("edges/" + method + ".json"));
    assertTrue(results.size() >= 1, "cases in the file");
    results.forEach(GoldenTest::passes);
  }

  private static void passes(Conformance.Result result) {
    assertEquals(List.of(), result.mismatches(), result.file() + " " + result.name());
    assertEquals(List.of(), result.unread(), result.file() + " " + result.name());
  }

  /** A case fails whichever of its expected fields is changed a little, shortened, or left out. */
  @ParameterizedTest
  @ValueSource(strings = {"fastervlm", "visionzip", "prumerge", "prumerge_plus", "fopru", "vispruner", "hired", "divprune", "cdpruner",
      "holov", "tome", "scope", "mmtok", "hiprune", "eadp", "restore_anchors"})
  void everyExpectedFieldCounts(String method, @TempDir Path folder) throws IOException {
    JsonNode published = JSON.readTree(TestData.path("goldens/" + method + ".json").toFile());
    ObjectNode altered = JSON.createObjectNode().put("method", method);
    ArrayNode cases = altered.putArray("cases");
    Set<String> seen = new HashSet<>();
    for (JsonNode oneCase : published.get("cases")) {
      for (Map.Entry<String, JsonNode> field : oneCase.get("expected").properties()) {
        if (field.getKey().equals("error") || !seen.add(oneCase.get("kind").asText() + field.getKey())) continue;
        for (Alteration alteration : Alteration.values()) {
          ObjectNode copy = oneCase.deepCopy();
          ObjectNode expected = (ObjectNode) copy.get("expected");
          if (alteration == Alteration.LEFT_OUT) expected.remove(field.getKey());
          else expected.set(field.getKey(), altered(expected.get(field.getKey()), alteration));
          cases.add(copy.put("name", oneCase.get("name").asText() + ", " + field.getKey() + " " + alteration));
        }
      }
    }
    Path file = folder.resolve(method + ".json");
    Files.writeString(file, JSON.writeValueAsString(altered));
    for (Conformance.Result result : Conformance.run(file)) assertFalse(result.passed(), result.name());
  }

  private enum Alteration { CHANGED, SHORTENED, LEFT_OUT }

  /** With the last leaf changed, or the last entry of the innermost list gone; another kind of value where there is none. */
  private static JsonNode altered(JsonNode value, Alteration alteration) {
    if (value.isArray() && !value.isEmpty()) {
      ArrayNode list = (ArrayNode) value;
      boolean innermost = !list.get(list.size() - 1).isContainerNode();
      if (innermost && alteration == Alteration.SHORTENED) list.remove(list.size() - 1);
      else list.set(list.size() - 1, altered(list.get(list.size() - 1), alteration));
      return list;
    }
    if (value.isObject()) {
      ObjectNode object = (ObjectNode) value;
      String first = object.fieldNames().next();
      return object.set(first, altered(object.get(first), alteration));
    }
    if (value.isIntegralNumber()) return JSON.getNodeFactory().numberNode(value.asInt() + 1);
    if (value.isNumber()) return JSON.getNodeFactory().numberNode(value.asDouble() * 1.01 + 0.01);
    return JSON.getNodeFactory().textNode(value.asText() + "x");
  }

  @Test void aCaseThatCannotBeRunFailsAlone(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("fastv.json");
    Files.writeString(file, "{\"method\":\"fastv\",\"cases\":[{\"name\":\"a\",\"kind\":\"llm_trace\",\"inputs\":{}},"
        + "{\"name\":\"b\",\"kind\":\"none such\"}]}");
    List<Conformance.Result> results = Conformance.run(file);
    assertEquals(2, results.size());
    for (Conformance.Result result : results) assertFalse(result.passed(), result.name());
  }
}
