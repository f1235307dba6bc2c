package dev.winnow.conform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.TestData;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The vectors of the methods' public implementations. */
class GoldenTest {
  @ParameterizedTest
  @ValueSource(strings = {"pyramiddrop", "vtw", "fastv", "sparsevlm", "mustdrop", "dart", "fastervlm", "visionzip", "prumerge", "prumerge_plus", "fopru",
      "vispruner", "hired", "divprune", "cdpruner", "holov", "tome", "scope", "mmtok", "hiprune", "eadp", "restore_anchors"})
  void everyCasePasses(String method) {
    List<Conformance.Result> results = Conformance.run(TestData.path("goldens/" + method + ".json"));
    assertTrue(results.size() >= 4, "cases in the file");
    for (Conformance.Result result : results) assertEquals(List.of(), result.mismatches(), result.file() + " " + result.name());
  }
}
