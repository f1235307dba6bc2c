package dev.winnow.calibrate;

import dev.winnow.engine.PromptSize;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlannedRows;
import java.util.Arrays;

/**
 * Milliseconds of vision and prompt under one method on one machine.
 *
 * @param decoder by the rows of its layers
 * @param perTile of tower and projector where nothing is cut
 * @param pruning by the method: the tower with its cut, and what its cuts in the decoder take
 */
public record PromptCost(CostModel decoder, double perTile, PruningCost pruning) {
  /**
   * @param size of a question with a picture
   * @param plan of the method under the budget
   * @param budget tokens of a picture on average over the layers
   */
  public double millis(PromptSize size, Plan plan, int budget) {
    int largest = Arrays.stream(size.images()).max().orElseThrow();
    double share = (double) budget / largest;
    boolean plainTower = plan.visionCuts().stream().allMatch(cut -> cut.reducer().keepsAll(largest));
    boolean plainDecoder = plan.removesNothing() && (plainTower || !plan.repairs());
    int layers = size.cached().length;
    int[] rows = new int[layers];
    Arrays.fill(rows, size.text());
    for (int tokens : size.images()) {
      double entering = PlannedRows.entering(plan, tokens) * (plainTower ? 1 : pruning.entering(share));
      int[] image = PlannedRows.inside(plan, layers, (int) Math.round(entering));
      for (int layer = 0; layer < layers; layer++) rows[layer] += image[layer];
    }
    double cuts = plainDecoder ? 0 : pruning.inDecoder(share, Arrays.stream(size.images()).sum());
    return decoder.millis(rows, size.cached()) + size.tiles() * (plainTower ? perTile : pruning.perTile(share)) + cuts;
  }
}
