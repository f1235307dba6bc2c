package dev.winnow.prune;

/**
 * How many tokens of one image each decoder layer gets under a plan, told before anything is computed: exact where counts decide, the most
 * that can stay where scores do.
 */
public final class PlannedRows {
  private PlannedRows() {}

  /**
   * @param layers decoder layers
   * @param tokens of the image without any cut
   * @return per layer, behind the cuts at its input; cuts of the cache come later and are not counted
   */
  public static int[] of(Plan plan, int layers, int tokens) {
    return inside(plan, layers, entering(plan, tokens));
  }

  /** @param total tokens of the image that enter the decoder */
  public static int[] inside(Plan plan, int layers, int total) {
    int present = total;
    int[] rows = new int[layers];
    int next = 0;
    for (int layer = 0; layer < layers; layer++) {
      for (; next < plan.cuts().size() && plan.cuts().get(next).layer() == layer; next++) {
        present = after(plan.cuts().get(next), total, present);
      }
      rows[layer] = present;
    }
    return rows;
  }

  /** Tokens of the image that the cuts before the decoder leave. */
  public static int entering(Plan plan, int tokens) {
    for (VisionCut cut : plan.visionCuts()) tokens = cut.reducer().most(tokens);
    return tokens;
  }

  private static int after(LayerCut cut, int total, int present) {
    if (cut.effect() == LayerCut.Effect.HIDE) return present;
    int kept = Math.min(present, cut.selector().most(total, present));
    return kept + (cut.merger() == null ? 0 : Math.min(present - kept, cut.merger().most(present - kept)));
  }

  /** Copies of each row that a layer stores. */
  public static int copies(Plan plan, int layer) {
    return plan.cuts().stream().anyMatch(cut -> cut.rankingLayerStoredTwice() && cut.layer() - 1 == layer) ? 2 : 1;
  }
}
