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

  /** What is wrong is named, field and all, and the case behind it is still run. */
  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "'inputs': | 'other': | the case has no 'inputs'", "'class_attention': | 'attention': | inputs has no 'class_attention'",
      "'tokens': | 'token': | params has no 'tokens'", "'score': | 'scores': | expected has no 'score'",
      "'features' | 'tiles' | kind must be one of [features] for fastervlm, is 'tiles'",
      "'literal' | 'literally' | inputs.class_attention.gen must be one of", "'shape': [1, 4] | 'shape': [1, 5] | has 4 values",
      "'shape': [1, 4] | 'shape': [-1, 4] | inputs.class_attention has the shape [-1, 4]",
      "'shape': [1, 4], | `` | inputs.class_attention has no 'shape'",
      "'shape': [1, 4] | 'shape': [1, 1, 1, 4] | inputs.class_attention has the shape [1, 1, 1, 4]; beside the case's other fields",
      "'literal', 'shape': [1, 4] | 'constant', 'value': 1, 'shape': [1000000, 1000000] | at most 268435456 values",
      "'shape': [1, 4] | 'shape': 4 | inputs.class_attention.shape must be a list, is 4",
      "{'first8': [0.1, 0.4, 0.2, 0.3], 'sum': 1} | {} | expected.score has no 'first8'",
      "'tokens': 2 | 'tokens': 'two' | params.tokens must be a whole number of 32 bits, is \"two\"",
      "'tokens': 2 | 'tokens': 2.5 | params.tokens must be a whole number of 32 bits, is 2.5",
      "'tokens': 2 | 'tokens': 1e12 | params.tokens must be a whole number", "'tokens': 2 | 'tokens': null | params.tokens must be",
      "'tokens': 2 | 'tokens': -1 | params.tokens must be from 0", "'sum': 1 | 'sum': NaN | expected.score.sum must be a finite number",
      "'kept': [1, 3] | 'kept': {'1': 3} | expected.kept must be a list, is an object",
      "'inputs': {'class_attention': | 'inputs': {'class_attention': 5, 'x': | inputs.class_attention must be an object, is 5",
      "'inputs': | 'tolerance': {'rel': 'small'}, 'inputs': | tolerance.rel must be a finite number, is \"small\"",
      "'expected': {'score' | 'expected': {'error': 'E', 'sccore' | inputs.class_attention.gen must be",
      "{'first8': [0.1, 0.4, 0.2, 0.3], 'sum': 1} | {'first8': [0.1], 'sum': 1} | score.first8.size"})
  void aCaseThatCannotBeRunFailsAlone(String from, String to, String wanted) throws IOException {
    String bad = GOOD.replace(from, to);
    // a case that expects an error passes where the method refuses, not where the case itself is wrong
    if (bad.contains("'error'")) bad = bad.replace("'literal'", "'literally'");
    assertTrue(!bad.equals(GOOD), from);
    List<Conformance.Result> results = run(bad + ", " + GOOD);
    assertEquals(List.of(false, true), results.stream().map(Conformance.Result::passed).toList(), results.toString());
    assertTrue(results.get(0).mismatches().get(0).contains(wanted), results.get(0).mismatches().toString());
  }

  /** Order of fields, whole numbers with a fraction of 0 and a leading dimension of 1 make no difference. */
  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"'tokens': 2 | 'tokens': 2.0", "[1, 3] | [1.0, 3e0]",
      "'shape': [1, 4] | 'shape': [1, 1, 4.0]", "'kept': [1, 3]} | 'kept': [1, 3]}, 'kind': 'features', 'notes': {'any': 1}"})
  void whatSaysTheSamePasses(String from, String to) throws IOException {
    String other = GOOD.replace(from, to);
    if (to.contains("kind")) other = other.replaceFirst("'kind': 'features', ", "");
    assertTrue(!other.equals(GOOD), from);
    for (Conformance.Result result : run(other + ", " + GOOD)) assertEquals(List.of(), result.mismatches());
  }

  /** It would pass whatever it says; so it is told, and the case goes by its other fields. */
  @Test void aFieldThatNothingLooksAtIsTold() throws IOException {
    String more = GOOD.replace("'kept': [1, 3]", "'kept': [1, 3], 'margin': 5").replace("'tokens': 2", "'tokens': 2, 'more': [3]");
    Conformance.Result result = run(more).get(0);
    assertEquals(List.of(), result.mismatches());
    assertEquals(List.of("params.more", "expected.margin"), result.unread());
  }

  @Test void aMethodWithoutCasesIsNamed() throws IOException {
    Path file = folder.resolve("cases.json");
    Files.writeString(file, ("{'method': 'fastvlm', 'cases': [" + GOOD + ", 5]}").replace('\'', '"'));
    List<Conformance.Result> results = Conformance.run(file);
    assertTrue(results.get(0).mismatches().get(0).contains("there are no cases of method 'fastvlm'"), results.toString());
    assertEquals("case 2", results.get(1).name());
    assertTrue(results.get(1).mismatches().get(0).contains("the case must be an object, is 5"), results.toString());
  }

  @Test void aFileWithoutCasesIsRefused() {
    assertTrue(assertThrows(InvalidInputException.class, () -> run("")).getMessage().contains("has no cases"));
    Path missing = folder.resolve("missing.json");
    assertTrue(assertThrows(InvalidInputException.class, () -> Conformance.run(missing)).getMessage().contains("there is no such file"));
  }
}
