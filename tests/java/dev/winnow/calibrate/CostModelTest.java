package dev.winnow.calibrate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.decoder.PositionPolicy;
import dev.winnow.engine.PromptSize;
import dev.winnow.prune.Count;
import dev.winnow.prune.LayerCut;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Selectors;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
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
      CostModel fitted = CostModel.fit(samples(made[0], made[1], made[2]), LAYERS);
      assertEquals(made[0], fitted.fixed(), 1e-6);
      assertEquals(made[1], fitted.perRow(), close(made[1]));
      assertEquals(made[2], fitted.perPair(), close(made[2]));
    }
  }

  @Test void noiseMakesNoNegativeCosts() {
    // longer prompts that take less per row than shorter ones would give attention a negative cost
    CostModel fitted = CostModel.fit(samples(1, 0.05, 0, 1.0, 1.1, 1.2, 1.0, 0.9, 0.8), LAYERS);
    assertTrue(fitted.fixed() >= 0 && fitted.perRow() > 0 && fitted.perPair() >= 0, fitted.toString());
    double before = 0;
    for (int rows = 1; rows < 1000; rows += 37) {
      int[] all = new int[LAYERS];
      Arrays.fill(all, rows);
      double millis = fitted.millis(all, new int[LAYERS]);
      assertTrue(millis >= before, "more rows cost less");
      before = millis;
    }
  }

  private static final PruningCost PRUNING = new PruningCost(100, List.of(
      new PruningCost.Point(0.25, 20, 8, 0.4), new PruningCost.Point(0.5, 30, 4, 0.9), new PruningCost.Point(0.75, 50, 6, 1)));

  @Test void pruningIsBetweenWhatWasMeasuredAtTheSharesAround() {
    double[][] expected = {{0, 20, 8, 0.4}, {0.25, 20, 8, 0.4}, {0.3, 22, 7.2, 0.5}, {0.5, 30, 4, 0.9}, {0.625, 40, 5, 0.95},
        {0.75, 50, 6, 1}, {1, 50, 6, 1}};
    for (double[] at : expected) {
      assertEquals(at[1], PRUNING.perTile(at[0]), 1e-9, "per tile at " + at[0]);
      assertEquals(at[2], PRUNING.inDecoder(at[0], 100), 1e-9, "in the decoder at " + at[0]);
      assertEquals(at[3], PRUNING.entering(at[0]), 1e-9, "entering at " + at[0]);
    }
    assertEquals(3 * 7.2, PRUNING.inDecoder(0.3, 300), 1e-9, "three times the tokens");
    PruningCost once = new PruningCost(100, List.of(new PruningCost.Point(0.5, 30, 4, 1)));
    for (double share : new double[] {0, 0.5, 1}) assertEquals(30, once.perTile(share), 1e-9);
  }

  @Test void countsRowsOfEachLayerTilesWhatIsCachedAndPruning() {
    CostModel decoder = new CostModel(1, 0.5, 0.25);
    PromptSize size = new PromptSize(2, new int[] {40, 20}, 3, new int[] {10, 0}, 0);
    // 6 rows beside 10 cached, then 2 rows alone
    assertEquals(1 + 0.5 * 8 + 0.25 * (6 * 10 + 21 + 3), decoder.millis(new int[] {6, 2}, size.cached()), 1e-9);
    PromptCost cost = new PromptCost(decoder, 7, PRUNING);
    assertEquals(decoder.millis(new int[] {62, 62}, size.cached()) + 3 * 7, cost.millis(size, Plan.NONE, 40), 1e-9);
    // 12 of 40 tokens on average; 60 tokens in all where 100 were measured; the tower is as without a cut
    LayerCut cut = new LayerCut(1, null, Selectors.evenlySpaced(Count.tokens(3)), LayerCut.Effect.DROP);
    Plan inside = new Plan("inside", Map.of(), List.of(cut), PositionPolicy.KEEP, true);
    assertEquals(decoder.millis(new int[] {62, 8}, size.cached()) + 3 * 7 + 0.6 * 7.2, cost.millis(size, inside, 12), 1e-9);
    // half of the 12 rows that may enter do; inside the decoder nothing is cut
    assertEquals(decoder.millis(new int[] {14, 14}, size.cached()) + 3 * 22, cost.millis(size, divprune(12), 12), 1e-9);
    assertEquals(cost.millis(size, Plan.NONE, 40), cost.millis(size, divprune(40), 40), 1e-9, "what keeps all runs as the plain model");
  }

  private static Plan divprune(int tokens) {
    return Methods.named("divprune").plan(new ModelShape(2, 4, true), Map.of("tokens", String.valueOf(tokens)), OptionalInt.empty(), 0);
  }
}
