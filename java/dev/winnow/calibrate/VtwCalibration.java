package dev.winnow.calibrate;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import dev.winnow.engine.Model;
import dev.winnow.eval.EvalItem;
import dev.winnow.eval.EvalRun;
import dev.winnow.eval.LinePlot;
import dev.winnow.eval.Texts;
import dev.winnow.prune.Plan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds the layer of VTW for a model by questions about pictures, as {@link VtwLayerSearch} says; results of finished questions are kept
 * and reused.
 */
public final class VtwCalibration {
  /** eta of the public code for LLaVA-1.5 7B, and for every model that it does not know. */
  public static final double DEFAULT_THRESHOLD = 0.003;

  private final Model model;
  private final List<EvalItem> items;

  /**
   * What was found.
   *
   * @param means mean divergence in nats of layers {@link VtwLayerSearch#FIRST_LAYER} and on
   * @param highest largest divergence of a single question
   * @param questions number of questions
   */
  public record Curve(double[] means, double[] highest, int questions) {}

  /** @param model computing in float32: in half precision divergences of this size are noise */
  public VtwCalibration(Model model, List<EvalItem> items) {
    PlanDivergences.check(model, items);
    int layers = model.config().text().layers();
    if (layers <= VtwLayerSearch.FIRST_LAYER) {
      throw new InvalidInputException("the search begins at layer " + VtwLayerSearch.FIRST_LAYER + ", but this model has only " + layers
          + " layers; set vtw's layer by hand");
    }
    this.model = model;
    this.items = items;
  }

  /**
   * Computes what {@code results} does not hold yet.
   *
   * @param data the file that the questions came from
   */
  public Curve run(Path data, Path results, EvalRun.Progress progress) {
    Map<String, Plan> plans = new LinkedHashMap<>();
    for (int layer = VtwLayerSearch.FIRST_LAYER; layer < model.config().text().layers(); layer++) {
      plans.put(String.valueOf(layer), VtwLayerSearch.withdrawn(model.shape(), layer));
    }
    try (PlanDivergences divergences = new PlanDivergences(model, items, "vtw", data, Map.of(), results)) {
      Collection<PlanDivergences.Summary> found = divergences.of(plans, progress).values();
      return new Curve(found.stream().mapToDouble(PlanDivergences.Summary::mean).toArray(),
          found.stream().mapToDouble(PlanDivergences.Summary::highest).toArray(), items.size());
    }
  }

  /** Writes {@code curve.csv} and {@code curve.png}, before a layer is chosen, so that they are there where none can be. */
  public static void writeCurve(Curve curve, double threshold, Path folder) {
    StringBuilder csv = new StringBuilder("layer,mean_divergence_nats,highest_divergence_nats,questions\n");
    List<double[]> means = new ArrayList<>();
    List<double[]> highest = new ArrayList<>();
    int first = VtwLayerSearch.FIRST_LAYER;
    for (int k = 0; k < curve.means().length; k++) {
      csv.append(first + k).append(',').append(Texts.cell(curve.means()[k], 12)).append(',').append(Texts.cell(curve.highest()[k], 12))
          .append(',').append(curve.questions()).append('\n');
      means.add(new double[] {first + k, Math.log10(curve.means()[k])});
      highest.add(new double[] {first + k, Math.log10(curve.highest()[k])});
    }
    Texts.write(folder.resolve("curve.csv"), csv.toString());
    int last = first + curve.means().length - 1;
    new LinePlot("Withdrawing all image tokens at a layer", "layer", "KL divergence of the first answer token, log10 of nats")
        .reference("threshold", List.of(new double[] {first, Math.log10(threshold)}, new double[] {last, Math.log10(threshold)}))
        .line("mean of " + curve.questions() + " questions", means).line("highest", highest).write(folder.resolve("curve.png"));
  }

  /** Writes {@code vtw.json}: the method, its settings, and how they were found; and {@code plan.json}, the same as a plan file. */
  public void writeSettings(int layer, double threshold, Curve curve, Path folder) {
    ObjectNode foundBy = Texts.object().put("criterion", "mean KL(withdrawn || full) of the first answer token, float32")
        .put("threshold_nats", threshold).put("mean_nats", curve.means()[layer - VtwLayerSearch.FIRST_LAYER])
        .put("questions", curve.questions());
    PlanDivergences.writeSettings(VtwLayerSearch.withdrawn(model.shape(), layer), Texts.object().put("layer", layer), foundBy, folder);
  }
}
