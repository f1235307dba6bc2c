package dev.winnow.calibrate;

import dev.winnow.engine.PromptSize;
import java.util.Arrays;

/**
 * Milliseconds of vision and prompt under one method on one machine.
 *
 * @param decoder by the rows of its layers
 * @param pruning by the method: the tower with its cut, and what its cuts in the decoder take
 */
public record PromptCost(CostModel decoder, PruningCost pruning) {
  /**
   * @param size of a question with a picture
   * @param rows new rows of each layer under the budget
   * @param budget tokens of a picture on average over the layers
   */
  public double millis(PromptSize size, int[] rows, int budget) {
    double share = (double) budget / Arrays.stream(size.images()).max().orElseThrow();
    return decoder.millis(rows, size.cached()) + size.tiles() * pruning.perTile(share)
        + pruning.inDecoder(share, Arrays.stream(size.images()).sum());
  }
}
