package dev.winnow.calibrate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.engine.Model;
import dev.winnow.eval.Variant;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CostFileTest {
  private static final CostModel DECODER = new CostModel(1, 0.5, 0.25);
  private static Model model;

  @TempDir Path folder;

  @BeforeAll static void open() { model = Model.open(TestData.path("parity/models/llava15-mha-56")); }

  @AfterAll static void close() { model.close(); }

  private static CostMeasurement.Measured measured(double fixed, String label, double... perTile) {
    List<CostMeasurement.MethodSample> samples = new ArrayList<>();
    for (int i = 0; i < perTile.length; i++) {
      PruningCost.Point point = new PruningCost.Point((i + 1) / 4.0, perTile[i], i, 0.5);
      samples.add(new CostMeasurement.MethodSample(label, 4 * (i + 1), point, Double.NaN, Double.NaN));
    }
    return new CostMeasurement.Measured(new CostModel(fixed, 0.5, 0.25), 7, List.of(new CostModel.Sample(8, 3)), samples, 16);
  }

  private PromptCost read(Path file, String method) { return CostFile.read(file, model, Variant.parse(method)); }

  private String refused(Path file, String method) {
    return assertThrows(InvalidInputException.class, () -> read(file, method)).getMessage();
  }

  @Test void readsWhatWasWrittenAndKeepsOtherMethods() {
    Path file = folder.resolve("a/costs.json");
    CostFile.write(file, model, measured(1, "fastv", 20, 30));
    PromptCost expected = new PromptCost(DECODER, 7, new PruningCost(16,
        List.of(new PruningCost.Point(0.25, 20, 0, 0.5), new PruningCost.Point(0.5, 30, 1, 0.5))));
    assertEquals(expected, read(file, "fastv"));
    CostFile.write(file, model, measured(2, "dart pivot_image=3 layer=1", 40));
    assertEquals(expected.pruning(), read(file, "fastv").pruning());
    assertEquals(2, read(file, "fastv").decoder().fixed());
    CostFile.write(file, model, measured(2, "fastv", 50));
    assertEquals(List.of(new PruningCost.Point(0.25, 50, 0, 0.5)), read(file, "fastv").pruning().points());
  }

  @Test void settingsBelongToWhatWasMeasuredInAnyOrder() {
    Path file = folder.resolve("costs.json");
    CostFile.write(file, model, measured(1, Variant.parse("fastv layer=1 ratio=0.5").sortedLabel(), 20));
    assertEquals(DECODER, read(file, "fastv ratio=0.5 layer=1").decoder());
    String message = refused(file, "fastv layer=2 ratio=0.5");
    assertTrue(message.contains("'fastv layer=2 ratio=0.5' costs was not measured; run 'winnow calibrate cost --method"), message);
  }

  @Test void refusesOldWrongAndSpoiltFiles() throws Exception {
    Path file = folder.resolve("costs.json");
    assertTrue(refused(file, "fastv").contains("run 'winnow calibrate cost'"));
    CostFile.write(file, model, measured(1, "fastv", 20, 30));
    String good = Files.readString(file);
    String[][] spoilt = {
        {"winnow.cost/3", "winnow.cost/2", "holds costs in the format 'winnow.cost/2', not 'winnow.cost/3'; run 'winnow calibrate cost'"},
        {"\"threads\" : ", "\"threads\" : 9", "holds costs of"},
        {"\"fixed_ms\" : 1", "\"fixed_ms\" : -1", "'fixed_ms' is no number of 0 or more"},
        {"\"per_tile_ms\" : 20.0", "\"per_tile_ms\" : null", "'per_tile_ms' is no number of 0 or more"},
        {"\"entering\" : 0.5", "\"entered\" : 0.5", "'entering' is no number of 0 or more"},
        {"\"share\" : 0.5", "\"share\" : 0.25", "not by ascending share"},
        {"\"image_tokens\" : 16", "\"image_tokens\" : 0", "not by ascending share"}};
    for (String[] change : spoilt) {
      String bad = good.replace(change[0], change[1]);
      assertTrue(!bad.equals(good), change[0] + " is not in " + good);
      Files.writeString(file, bad);
      String message = refused(file, "fastv");
      assertTrue(message.contains(change[2]), message);
      // such a file is no hindrance to measuring again, and nothing stays of what was measured for something else
      CostFile.write(file, model, measured(1, "vtw", 20));
      assertEquals(DECODER, read(file, "vtw").decoder());
      if (change[2].startsWith("holds costs")) assertTrue(refused(file, "fastv").contains("was not measured"));
    }
  }
}
