package dev.winnow.conform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a trace states is compared: one value changed, and the case fails by that value. */
class TraceFieldsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private static JsonNode oneCase(String file, String name) throws IOException {
    for (JsonNode oneCase : JSON.readTree(Files.readString(TestData.path(file))).get("cases")) {
      if (oneCase.get("name").asText().equals(name)) return oneCase;
    }
    throw new AssertionError(file + " has no case " + name);
  }

  private Conformance.Result run(String method, JsonNode oneCase) throws IOException {
    ObjectNode root = JSON.createObjectNode().put("method", method);
    root.putArray("cases").add(oneCase);
    Path file = folder.resolve("case.json");
    JSON.writeValue(file.toFile(), root);
    return Conformance.run(file).get(0);
  }

  @ParameterizedTest
  @CsvSource({"goldens/fastv.json, hf_prune_nothing, /prefill/logits/top2_gap",
      "goldens/fastv.json, hf_prune_nothing, /stages/0/score_layer",
      "goldens/fastv.json, hf_text_only, /stages/0/sequence_length", "goldens/fastv.json, hf_text_only, /prefill/positions/0/layers/3",
      "goldens/mustdrop.json, full_run_v24, /stages/1/column_max/sum", "goldens/mustdrop.json, full_run_v24, /stages/2/filter_kept/0",
      "goldens/mustdrop.json, trace_16_14_14_13, /stages/0/filter_kept/3",
      "goldens/sparsevlm.json, full_run_rank_scale4, /raters/1", "goldens/sparsevlm.json, full_run_rank_scale4, /stages/1/text_rows/0",
      "goldens/sparsevlm.json, full_run_rank_scale4, /stages/1/rank",
      "goldens/sparsevlm.json, full_run_rank_scale4, /stages/0/cluster_tokens/last_row8/2",
      "goldens/sparsevlm.json, full_run_rank_scale4, /stages/0/cluster_tokens/abs_sum",
      "goldens/sparsevlm.json, full_run_2_0_budget64, /stages/0/heads/13"})
  void aChangedValueIsFound(String file, String name, String pointer) throws IOException {
    JsonNode oneCase = oneCase(file, name);
    JsonPointer at = JsonPointer.compile(pointer);
    JsonNode parent = oneCase.get("expected").at(at.head());
    JsonNode value = oneCase.get("expected").at(at);
    JsonNode other = JSON.valueToTree(value.isInt() ? (Object) (value.asInt() + 1) : (Object) (value.asDouble() + 1));
    if (parent instanceof ArrayNode array) array.set(at.last().getMatchingIndex(), other);
    else ((ObjectNode) parent).set(at.last().getMatchingProperty(), other);
    Conformance.Result result = run(file.substring("goldens/".length(), file.indexOf(".json")), oneCase);
    assertFalse(result.passed(), pointer);
    assertEquals(1, result.mismatches().size(), result.mismatches().toString());
  }

  /** Recycled tokens are listed by falling score. */
  @Test void theOrderOfRecycledTokensCounts() throws IOException {
    JsonNode oneCase = oneCase("goldens/sparsevlm.json", "full_run_rank_scale4");
    ArrayNode recycled = (ArrayNode) oneCase.at("/expected/stages/0/recycled");
    JsonNode first = recycled.get(0);
    recycled.set(0, recycled.get(1));
    recycled.set(1, first);
    List<String> mismatches = run("sparsevlm", oneCase).mismatches();
    assertEquals(1, mismatches.size(), mismatches.toString());
    assertTrue(mismatches.get(0).startsWith("stages[0].recycled"), mismatches.get(0));
  }
}
