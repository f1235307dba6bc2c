package dev.winnow.calibrate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.engine.Model;
import dev.winnow.engine.ModelOptions;
import dev.winnow.eval.EvalItem;
import dev.winnow.eval.Metric;
import dev.winnow.kernels.Dtype;
import dev.winnow.prune.PlanReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VtwCalibrationTest {
  /** The trained demo model: ten layers, so that there is something to search. */
  private static final Path MODEL = TestData.path("../../java/dev/winnow/demo/shapes-llava");
  private static final ModelOptions FLOAT32 = new ModelOptions(Dtype.of("float32"), "cpu", 1);

  @TempDir Path folder;

  private static EvalItem item(String id, String question) {
    return new EvalItem(id, TestData.path("pictures/exif1.jpg"), question, List.of("x"), "f", Metric.EXACT);
  }

  @Test void findsALayerAndGoesOnWhereItWas() throws Exception {
    Path results = folder.resolve("divergences.jsonl");
    try (Model model = Model.open(MODEL, FLOAT32)) {
      List<EvalItem> two = List.of(item("a", "Describe the image."), item("b", "How many objects are there?"));
      VtwCalibration.Curve first = new VtwCalibration(model, two.subList(0, 1)).run(folder.resolve("d.jsonl"), results, (done, of) -> {});
      assertEquals(5, first.means().length);
      for (double mean : first.means()) assertTrue(mean >= 0 && mean < 20, "a divergence is not negative: " + mean);
      String before = Files.readString(results);
      VtwCalibration.Curve both = new VtwCalibration(model, two).run(folder.resolve("d.jsonl"), results, (done, of) -> {});
      assertTrue(Files.readString(results).startsWith(before));
      VtwCalibration.Curve again = new VtwCalibration(model, two).run(folder.resolve("d.jsonl"), results, (done, of) -> {});
      assertArrayEquals(both.means(), again.means());
      for (int k = 0; k < 5; k++) assertTrue(both.highest()[k] >= both.means()[k] && both.highest()[k] <= 2 * both.means()[k] + 1e-12);
      double threshold = both.means()[4] * 1.0001;
      int layer = VtwLayerSearch.choose(both.means(), threshold);
      VtwCalibration.writeCurve(both, threshold, folder);
      new VtwCalibration(model, two).writeSettings(layer, threshold, both, folder);
      JsonNode settings = new ObjectMapper().readTree(folder.resolve("vtw.json").toFile());
      assertEquals(layer, settings.get("params").get("layer").asInt());
      assertEquals("layer:" + layer, PlanReader.open(folder.resolve("plan.json")).plan(model.shape()).cuts().get(0).site().toString());
      assertEquals(6, Files.readAllLines(folder.resolve("curve.csv")).size());
      assertTrue(Files.size(folder.resolve("curve.png")) > 1000);
    }
  }

  @Test void refusesWhatItCannotSearch() {
    try (Model bfloat16 = Model.open(MODEL)) {
      assertThrows(InvalidInputException.class, () -> new VtwCalibration(bfloat16, List.of(item("a", "?"))));
    }
    try (Model shallow = Model.open(TestData.path("parity/models/llava15-mha-56"), FLOAT32)) {
      InvalidInputException refusal =
          assertThrows(InvalidInputException.class, () -> new VtwCalibration(shallow, List.of(item("a", "?"))));
      assertTrue(refusal.getMessage().contains("4 layers"), refusal.getMessage());
    }
    try (Model model = Model.open(MODEL, FLOAT32)) {
      EvalItem text = new EvalItem("t", null, "?", List.of("x"), "f", Metric.EXACT);
      InvalidInputException refusal = assertThrows(InvalidInputException.class, () -> new VtwCalibration(model, List.of(text)));
      assertTrue(refusal.getMessage().contains("question t"), refusal.getMessage());
    }
  }
}
