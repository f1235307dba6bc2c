package dev.winnow.calibrate;

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
import dev.winnow.prune.LayerCut;
import dev.winnow.prune.PlanReader;
import dev.winnow.prune.PlannedRows;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PyramidDropCalibrationTest {
  private static final ModelOptions FLOAT32 = new ModelOptions(Dtype.of("float32"), "cpu", 1);

  @TempDir Path folder;

  private static PyramidDropCalibration.Found run(Model model, List<EvalItem> items, int budget, Path folder) {
    PyramidDropCalibration calibration = new PyramidDropCalibration(model, items, OptionalInt.of(budget));
    PyramidDropCalibration.Found found = calibration.run(folder.resolve("d.jsonl"), folder.resolve("r.jsonl"), part -> (done, of) -> {});
    calibration.write(found, folder);
    return found;
  }

  @Test void findsLayersNoMoveImprovesAndGoesOnWhereItWas() throws Exception {
    try (Model model = Model.open(TestData.path("../../java/dev/winnow/demo/shapes-llava"), FLOAT32)) {
      Path picture = TestData.path("pictures/exif1.jpg");
      EvalItem item = new EvalItem("a", picture, "How many objects are there?", List.of("x"), "f", Metric.EXACT);
      PyramidDropCalibration.Found found = run(model, List.of(item), 250, folder);
      assertTrue(found.mean() <= found.start(), found.toString());
      List<String> lines = Files.readAllLines(folder.resolve("curve.csv"));
      double least = lines.stream().skip(1).mapToDouble(line -> Double.parseDouble(line.split("\",")[1].split(",")[0])).min().orElse(-1);
      assertEquals(least, found.mean(), 1e-11);
      assertTrue(lines.size() > 8, "too few trials: " + lines);
      JsonNode settings = new ObjectMapper().readTree(folder.resolve("pyramiddrop.json").toFile());
      List<Integer> cuts = PlanReader.open(folder.resolve("plan.json")).plan(model.shape()).cuts().stream().map(LayerCut::layer).toList();
      assertEquals(found.layers(), cuts);
      assertEquals(String.join(",", cuts.stream().map(String::valueOf).toList()), settings.get("params").get("layers").asText());
      int[] rows = PlannedRows.of(PlanReader.open(folder.resolve("plan.json")).plan(model.shape()), 10, 576);
      double average = Arrays.stream(rows).average().orElse(0);
      assertTrue(average <= 250 && average > 248, "the plan holds " + average);
      assertTrue(Files.size(folder.resolve("curve.png")) > 1000);
      // cut off within the last line, as a crash leaves it: only what is missing is computed, with the same result
      String results = Files.readString(folder.resolve("r.jsonl"));
      Files.writeString(folder.resolve("r.jsonl"), results.substring(0, results.length() - 5));
      assertEquals(found, run(model, List.of(item), 250, folder));
      assertEquals(results, Files.readString(folder.resolve("r.jsonl")));
      assertThrows(InvalidInputException.class, () -> run(model, List.of(item), 300, folder),
          "results under another budget must not be mixed");
      assertThrows(InvalidInputException.class, () -> run(model, List.of(item), 20, folder), "no layers can meet this budget");
      int published = new PyramidDropCalibration(model, List.of(item), OptionalInt.empty()).budget();
      assertEquals((2 * 576 + 3 * 288 + 2 * 144 + 3 * 72) / 10, published);
    }
  }
}
