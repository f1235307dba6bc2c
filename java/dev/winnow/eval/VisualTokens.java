package dev.winnow.eval;

import dev.winnow.decoder.Segment;
import dev.winnow.engine.Report;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Site;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Image tokens that each decoder layer saw of a prompt. "Tokens entering the LLM" and "average over the layers" are different figures that
 * papers mix up: FastV at layer 2 of 32 with a quarter kept lets 576 enter and averages 171.
 *
 * @param perLayer tokens after the cuts at the input of each layer
 */
public record VisualTokens(int[] perLayer) {
  /** Counts by the cuts, so that tokens that are hidden instead of removed count as gone. */
  public static VisualTokens of(Report report, int layers) {
    int[] perLayer = new int[layers];
    Map<Integer, Integer> present = new HashMap<>();
    for (Segment segment : report.segments()) if (!segment.isText()) present.put(segment.image(), segment.length());
    for (int layer = 0; layer < layers; layer++) {
      for (CutRecord cut : report.cuts()) {
        boolean here = cut.site().kind() == Site.Kind.LAYER && cut.site().index() == layer;
        if (here && present.containsKey(cut.image())) present.put(cut.image(), Math.min(present.get(cut.image()), cut.after()));
      }
      perLayer[layer] = present.values().stream().mapToInt(Integer::intValue).sum();
    }
    return new VisualTokens(perLayer);
  }

  public double entering() { return perLayer.length == 0 ? Double.NaN : perLayer[0]; }

  public double average() { return Arrays.stream(perLayer).average().orElse(Double.NaN); }
}
