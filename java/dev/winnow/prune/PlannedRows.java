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
    int present = tokens;
    for (VisionCut cut : plan.visionCuts()) present = cut.reducer().most(present);
    int total = present;
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
