package dev.winnow.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@code winnow bench} and {@code winnow bench kernels} as they are typed. */
class BenchCommandTest {
  @Test void helpNamesTheOptions() {
    assertTrue(Ran.inProcess("bench", "--help").out().contains("--image-tokens"));
    Ran kernels = Ran.inProcess("bench", "kernels", "--help");
    assertEquals(0, kernels.status());
    assertTrue(kernels.out().contains("--only") && kernels.out().contains("cache"), kernels::toString);
  }

  @Test void measuresAKernelAsATable() {
    Ran ran = Ran.inProcess("bench", "kernels", "--only", "select to Java", "--runs", "1");
    assertEquals(0, ran.status(), ran::toString);
    String row = "select to Java array +\\d+ of (576|2880|20000) .* cache .*topk \\+ sort, to int\\[\\]";
    assertEquals(3, ran.out().lines().filter(line -> line.matches(row)).count(), ran::toString);
  }

  @Test void measuresAKernelAsJson() {
    JsonNode result = Ran.inProcess("bench", "kernels", "--only", "dpp", "--runs", "1", "--json").traces().get(0);
    assertEquals("winnow.bench.kernels/2", result.path("format").asText());
    assertEquals(3, result.path("results").size());
    JsonNode row = result.path("results").path(0);
    assertTrue(row.path("us").asDouble() > 0 && row.path("libtorch_us").asDouble() > 0 && row.path("ceiling_gb_per_s").asDouble() > 0,
        row::toString);
    assertEquals(row.path("bytes").asDouble() / row.path("us").asDouble() / 1e3, row.path("gb_per_s").asDouble(), 1e-6);
    assertTrue(row.path("in_cache").asBoolean());
  }

  @Test void measuresAModelOfAToyShape() {
    Ran ran = Ran.inProcess("bench", "--shape", "tiny", "--image-tokens", "24", "--prompt-text", "8", "--decode", "2", "--runs", "1",
        "--threads", "1", "--method", "fastv", "--json");
    assertEquals(0, ran.status(), ran::toString);
    assertEquals("winnow.bench/1", ran.traces().get(0).path("format").asText());
  }

  @Test void onlyATowerHasTimesOfVision() {
    JsonNode with = toy("--tower", "--budget", "20", "--method", "visionzip", "--variant", "mustdrop merge=off");
    assertTrue(with.path("tower").asBoolean());
    assertEquals(20, with.path("budget").asInt());
    assertEquals(64, with.path("image_tokens").asInt());
    JsonNode zip = with.path("results").path(1);
    assertEquals(20, zip.path("image_rows_entering").asInt());
    assertEquals(20.0, zip.path("image_rows_per_layer").asDouble());
    assertTrue(zip.path("vision_ms").asDouble() > 0 && zip.path("speedup_with_vision").asDouble() > 0, zip::toString);
    assertEquals(1, zip.path("vision_ms_samples").size());
    assertEquals("mustdrop merge=off", with.path("results").path(2).path("label").asText());
    JsonNode without = toy("--method", "fastv");
    assertTrue(!without.path("tower").asBoolean() && without.path("budget").isNull(), without::toString);
    assertTrue(without.path("results").path(1).path("vision_ms").isMissingNode(), without::toString);
  }

  @Test void everyMethodGetsTheLargestBudgetThatTheCacheHasRoomFor() {
    JsonNode whole = toy("--method", "fastv");
    double full = whole.path("results").path(0).path("kv_bytes_held").asDouble();
    JsonNode result = toy("--target-kv-mb", String.valueOf(0.7 * full / (1 << 20)), "--method", "fastv", "--method", "vtw");
    assertEquals(0.7 * full, result.path("target_kv_bytes").asDouble(), 1);
    assertTrue(result.path("budget").isNull());
    for (int row : new int[] {1, 2}) {
      JsonNode pruned = result.path("results").path(row);
      assertTrue(pruned.path("label").asText().matches("(fastv|vtw) at [0-9]+"), pruned::toString);
      assertTrue(pruned.path("kv_bytes_held").asDouble() <= 0.7 * full && pruned.path("kv_bytes_held").asDouble() > 0.4 * full,
          pruned::toString);
    }
  }

  private static JsonNode toy(String... more) {
    List<String> args = new ArrayList<>(List.of("bench", "--shape", "tiny", "--prompt-text", "8", "--decode", "0", "--runs", "1",
        "--threads", "1", "--json"));
    args.addAll(List.of(more));
    Ran ran = Ran.inProcess(args.toArray(new String[0]));
    assertEquals(0, ran.status(), ran::toString);
    return ran.traces().get(0);
  }

  @Test void refusesWhatItCannotMeasure() {
    refused("add --tower", "bench", "--shape", "tiny", "--method", "visionzip");
    refused("leave --image-tokens out", "bench", "--shape", "tiny", "--tower", "--image-tokens", "9");
    refused("name one with --method", "bench", "--shape", "tiny", "--budget", "9");
    refused("leave --budget out", "bench", "--shape", "tiny", "--budget", "9", "--target-kv-mb", "1", "--method", "fastv");
    refused("name one with --method", "bench", "--shape", "tiny", "--target-kv-mb", "1");
    refused("target-kv-mb must be a number above 0", "bench", "--shape", "tiny", "--target-kv-mb", "0", "--method", "fastv");
    refused("the KV cache would hold", "bench", "--shape", "tiny", "--target-kv-mb", "0.001", "--method", "fastv");
    refused("no kernel has 'nothing'", "bench", "kernels", "--only", "nothing");
    refused("runs=0", "bench", "kernels", "--runs", "0");
    refused("no-such-shape", "bench", "--shape", "no-such-shape");
    refused("no-such-method", "bench", "--shape", "tiny", "--method", "no-such-method");
  }

  private static void refused(String message, String... args) {
    Ran ran = Ran.inProcess(args);
    assertEquals(2, ran.status(), ran::toString);
    assertTrue(ran.err().contains(message) && ran.out().isEmpty(), ran::toString);
  }
}
