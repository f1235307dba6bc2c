package dev.winnow.calibrate;

import dev.winnow.WinnowException;
import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.Segment;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Plan;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.bytedeco.pytorch.Tensor;

/**
 * The layer search of VTW: how far the distribution of the first answer token moves when all image tokens leave at layer k, for k = 5 ..
 * layers-1; the first layer whose mean over samples does not exceed a threshold is chosen. Computed as {@link FirstTokenShift} says (the
 * public code does so in half precision).
 */
public final class VtwLayerSearch {
  /** The first layer that the published search tries. */
  public static final int FIRST_LAYER = 5;

  private final Decoder decoder;

  public VtwLayerSearch(Decoder decoder) { this.decoder = decoder; }

  /**
   * @param rows the prompt, [n, hidden]
   * @param segments what it is made of; every image segment is withdrawn
   * @return divergence of each layer from {@link #FIRST_LAYER} on
   */
  public double[] divergences(Tensor rows, List<Segment> segments) {
    FirstTokenShift shift = new FirstTokenShift(decoder, rows, segments);
    int layers = decoder.config().layers();
    double[] divergences = new double[Math.max(0, layers - FIRST_LAYER)];
    for (int i = 0; i < divergences.length; i++) divergences[i] = shift.under(withdrawn(new ModelShape(layers, 0, true), FIRST_LAYER + i));
    return divergences;
  }

  static Plan withdrawn(ModelShape shape, int layer) {
    return Methods.named("vtw").plan(shape, Map.of("layer", String.valueOf(layer)), OptionalInt.empty(), 0);
  }

  /** The first layer whose mean divergence is at most {@code threshold}. Throws if there is none. */
  public static int choose(double[] means, double threshold) {
    for (int i = 0; i < means.length; i++) if (means[i] <= threshold) return FIRST_LAYER + i;
    throw new WinnowException("no layer from " + FIRST_LAYER + " on has a mean divergence of at most " + threshold
        + "; raise the threshold");
  }
}
