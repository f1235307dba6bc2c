package dev.winnow.conform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The vectors of the methods' public implementations. */
class GoldenTest {
  @ParameterizedTest
  @ValueSource(strings = {"pyramiddrop", "vtw", "fastv", "sparsevlm", "mustdrop", "dart", "fastervlm", "visionzip", "prumerge",
      "prumerge_plus", "fopru", "vispruner", "hired", "divprune", "cdpruner", "holov", "tome", "scope", "mmtok", "hiprune", "eadp",
      "restore_anchors"})
  void everyCasePasses(String method) {
    List<Conformance.Result> results = Conformance.run(TestData.path("goldens/" + method + ".json"));
    assertTrue(results.size() >= 4, "cases in the file");
    for (Conformance.Result result : results) assertEquals(List.of(), result.mismatches(), result.file() + " " + result.name());
  }

  /** What the published files do not ask: images that vanish, stages behind the last layer, inputs that the original code fails on. */
  @ParameterizedTest
  @ValueSource(strings = {"pyramiddrop", "vtw", "fastv", "sparsevlm", "mustdrop", "dart"})
  void everyCaseAtTheEdgesPasses(String method) {
    List<Conformance.Result> results = Conformance.run(TestData.path("edges/" + method + ".json"));
    assertTrue(results.size() >= 1, "cases in the file");
    for (Conformance.Result result : results) assertEquals(List.of(), result.mismatches(), result.file() + " " + result.name());
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
