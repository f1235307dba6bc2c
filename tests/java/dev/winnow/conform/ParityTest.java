package dev.winnow.conform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.TestData;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Recorded runs of the reference framework, for every family: pictures and videos. */
class ParityTest {
  @ParameterizedTest
  @ValueSource(strings = {
      "llava15-mha-56", "llava15-mha-56-orig", "llava15-mha-56-bf16", "llava15-mha-336", "llava-mistral-gqa-84", "llava-tied-rope3-56",
      "llava-multilayer-full-56", "llava-next-mistral-84", "llava-next-video-112", "llava-onevision-62", "video-llava-56"})
  void everyCasePasses(String model) {
    List<Conformance.Result> results = Conformance.run(TestData.path("parity/goldens/models/" + model + ".json"));
    assertTrue(results.size() >= 3, "cases in the file");
    results.forEach(ParityTest::passed);
  }

  private static void passed(Conformance.Result result) {
    assertEquals(List.of(), result.mismatches().stream().limit(5).toList(), result.file() + " " + result.name());
  }
}
