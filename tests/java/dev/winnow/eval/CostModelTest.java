package dev.winnow.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.engine.PromptSize;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CostModelTest {
  private static final int LAYERS = 10;
  private static final int[] LENGTHS = {40, 80, 160, 320, 480, 640};

  private static List<CostModel.Sample> samples(double fixed, double perRow, double perPair, double... noise) {
    return IntStream.range(0, LENGTHS.length).mapToObj(i -> {
      double n = LENGTHS[i];
      double millis = fixed + LAYERS * (perRow * n + perPair * n * (n + 1) / 2);
      return new CostModel.Sample(LENGTHS[i], millis * (noise.length == 0 ? 1 : noise[i]));
    }).toList();
  }

  private static double close(double value) { return 1e-6 * value + 1e-12; }

  @Test void recoversTheCostsThatMadeTheTimes() {
    for (double[] made : new double[][] {{3, 0.02, 1e-5}, {0.5, 2, 4e-4}, {0, 0.1, 0}, {7, 0, 0}, {2, 0.03, 0}}) {
      CostModel fitted = CostModel.fit(samples(made[0], made[1], made[2]), LAYERS, 12);
      assertEquals(made[0], fitted.fixed(), 1e-6);
      assertEquals(made[1], fitted.perRow(), close(made[1]));
      assertEquals(made[2], fitted.perPair(), close(made[2]));
      assertEquals(12, fitted.perTile());
    }
  }

  @Test void noiseMakesNoNegativeCosts() {
    // longer prompts that take less per row than shorter ones would give attention a negative cost
    CostModel fitted = CostModel.fit(samples(1, 0.05, 0, 1.0, 1.1, 1.2, 1.0, 0.9, 0.8), LAYERS, 1);
    assertTrue(fitted.fixed() >= 0 && fitted.perRow() > 0 && fitted.perPair() >= 0, fitted.toString());
    double before = 0;
    for (int rows = 1; rows < 1000; rows += 37) {
      int[] all = new int[LAYERS];
      Arrays.fill(all, rows);
      double millis = fitted.millis(new PromptSize(rows, new int[0], 0, new int[LAYERS], 0), all);
      assertTrue(millis >= before, "more rows cost less");
      before = millis;
    }
  }

  @Test void countsRowsOfEachLayerTilesAndWhatIsCached() {
    CostModel model = new CostModel(1, 0.5, 0.25, 100);
    PromptSize size = new PromptSize(2, new int[] {4}, 3, new int[] {10, 0}, 0);
    // 6 rows beside 10 cached, then 2 rows alone
    assertEquals(1 + 300 + 0.5 * 8 + 0.25 * (6 * 10 + 21 + 3), model.millis(size, new int[] {6, 2}), 1e-9);
  }
}
