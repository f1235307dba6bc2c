package dev.winnow.conform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Golden files that are not as they should be. */
class ConformanceTest {
  private static final String GOOD =
      "{'name': 'good', 'kind': 'features', 'inputs': {'class_attention': {'gen': 'literal', 'shape': [1, 4],"
      + " 'values': [0.1, 0.4, 0.2, 0.3]}}, 'params': {'tokens': 2},"
      + " 'expected': {'score': {'first8': [0.1, 0.4, 0.2, 0.3], 'sum': 1}, 'kept': [1, 3]}}";

  @TempDir Path folder;

  private List<Conformance.Result> run(String cases) throws IOException {
    Path file = folder.resolve("cases.json");
    Files.writeString(file, ("{'method': 'fastervlm', 'cases': [" + cases + "]}").replace('\'', '"'));
    return Conformance.run(file);
  }

  /** What is wrong is named, and the case behind it is still run. */
  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "'inputs': | 'other': | the case has no object 'inputs'", "'class_attention': | 'attention': | inputs has no 'class_attention'",
      "'tokens': | 'token': | params has no 'tokens'", "'score': | 'scores': | expected has no 'score'",
      "'features' | 'feature' | there is no kind 'feature'", "'literal' | 'literally' | unknown generator 'literally'",
      "'shape': [1, 4] | 'shape': [1, 5] | has 4 values", "'shape': [1, 4] | 'shape': [-1, 4] | shape [-1, 4]",
      "'shape': [1, 4], | `` | has no shape", "'shape': [1, 4] | 'shape': [1, 1, 1, 4] | more than 3 dimensions",
      "'literal', 'shape': [1, 4] | 'constant', 'value': 1, 'shape': [1, 2147483647] | does not fit into memory",
      "{'first8': [0.1, 0.4, 0.2, 0.3], 'sum': 1} | {} | not in the form"})
  void aCaseThatCannotBeRunFailsAlone(String from, String to, String wanted) throws IOException {
    String bad = GOOD.replace(from, to);
    assertTrue(!bad.equals(GOOD), from);
    List<Conformance.Result> results = run(bad + ", " + GOOD);
    assertEquals(List.of(false, true), results.stream().map(Conformance.Result::passed).toList(), results.toString());
    assertTrue(results.get(0).mismatches().get(0).contains(wanted), results.get(0).mismatches().toString());
  }

  @Test void aFileWithoutCasesIsRefused() {
    assertTrue(assertThrows(InvalidInputException.class, () -> run("")).getMessage().contains("has no cases"));
    Path missing = folder.resolve("missing.json");
    assertTrue(assertThrows(InvalidInputException.class, () -> Conformance.run(missing)).getMessage().contains("there is no such file"));
  }
}
