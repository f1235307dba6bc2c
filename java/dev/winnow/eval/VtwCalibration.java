package dev.winnow.eval;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ChatMessage;
import dev.winnow.engine.Model;
import dev.winnow.engine.Prompt;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.Methods;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlanWriter;
import dev.winnow.vision.ImageReader;
import dev.winnow.vision.VisionObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** Finds the layer of VTW for a model by questions about pictures, as {@link VtwLayerSearch} says; results of finished questions are kept and reused. */
public final class VtwCalibration {
  /** eta of the public code for LLaVA-1.5 7B, and for every model that it does not know. */
  public static final double DEFAULT_THRESHOLD = 0.003;

  private final Model model;
  private final List<EvalItem> items;
  private final VtwLayerSearch search;

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
    if (model.dtype() != Dtype.of("float32")) throw new InvalidInputException("calibration needs float32; open the model with it");
    if (model.config().text().layers() <= VtwLayerSearch.FIRST_LAYER) {
      throw new InvalidInputException("the search begins at layer " + VtwLayerSearch.FIRST_LAYER + ", but this model has only " + model.config().text().layers()
          + " layers; set vtw's layer by hand");
    }
    for (EvalItem item : items) {
      if (item.image() == null) throw new InvalidInputException("question " + item.id() + " has no picture, so there is nothing to withdraw; leave it out");
    }
    this.model = model;
    this.items = items;
    this.search = new VtwLayerSearch(model.decoder());
  }

  /**
   * Computes what {@code results} does not hold yet.
   *
   * @param data the file that the questions came from
   */
  public Curve run(Path data, Path results, EvalRun.Progress progress) {
    Map<String, double[]> known = new HashMap<>();
    try (ResultFile file = new ResultFile(results, header(data))) {
      int line = 1;
      for (JsonNode node : file.lines()) known.put(Texts.field(node, "id", results + " line " + ++line), numbers(node.path("divergences"), results + " line " + line));
      for (int i = 0; i < items.size(); i++) {
        progress.at(i, items.size());
        EvalItem item = items.get(i);
        if (known.containsKey(item.id())) continue;
        double[] divergences = divergences(item);
        ObjectNode node = Texts.object().put("id", item.id());
        ArrayNode array = node.putArray("divergences");
        for (double value : divergences) array.add(value);
        file.append(node);
        known.put(item.id(), divergences);
      }
      progress.at(items.size(), items.size());
    }
    return curve(known);
  }

  private Curve curve(Map<String, double[]> known) {
    int layers = model.config().text().layers() - VtwLayerSearch.FIRST_LAYER;
    double[] means = new double[layers];
    double[] highest = new double[layers];
    for (EvalItem item : items) {
      for (int k = 0; k < layers; k++) {
        double value = known.get(item.id())[k];
        means[k] += value / items.size();
        highest[k] = Math.max(highest[k], value);
      }
    }
    return new Curve(means, highest, items.size());
  }

  /** Writes {@code curve.csv} and {@code curve.png}, before a layer is chosen, so that they are there where none can be. */
  public static void writeCurve(Curve curve, double threshold, Path folder) {
    StringBuilder csv = new StringBuilder("layer,mean_divergence_nats,highest_divergence_nats,questions\n");
    List<double[]> means = new ArrayList<>();
    List<double[]> highest = new ArrayList<>();
    int first = VtwLayerSearch.FIRST_LAYER;
    for (int k = 0; k < curve.means().length; k++) {
      csv.append(first + k).append(',').append(Texts.cell(curve.means()[k], 12)).append(',').append(Texts.cell(curve.highest()[k], 12)).append(',')
          .append(curve.questions()).append('\n');
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
    ObjectNode root = Texts.object().put("format", "winnow.settings/1").put("method", "vtw");
    root.putObject("params").put("layer", layer);
    root.putObject("found_by").put("criterion", "mean KL(withdrawn || full) of the first answer token, float32").put("threshold_nats", threshold)
        .put("mean_nats", curve.means()[layer - VtwLayerSearch.FIRST_LAYER]).put("questions", curve.questions());
    Texts.write(folder.resolve("vtw.json"), Texts.pretty(root));
    Plan plan = Methods.named("vtw").plan(model.shape(), Map.of("layer", String.valueOf(layer)), OptionalInt.empty(), 0);
    Texts.write(folder.resolve("plan.json"), PlanWriter.write(plan) + "\n");
  }

  private ObjectNode header(Path data) {
    ObjectNode header = Texts.object().put("format", "winnow.calibrate.vtw/1").put("family", model.config().family());
    header.put("layers", model.config().text().layers()).put("hidden", model.config().text().hidden()).put("device", model.device());
    return header.put("data", data.getFileName().toString());
  }

  private double[] divergences(EvalItem item) {
    try (PointerScope scope = new PointerScope()) {
      Tensor image = Tensors.adopt(scope, model.images().encode(model.images().prepare(ImageReader.read(item.image()), false), VisionObserver.NONE));
      int[] ids = model.tokenizer().encode(model.chatFormat().prompt(List.of(ChatMessage.user(1, 0, item.question()))));
      Prompt prompt = Prompt.assemble(ids, model.config().imageTokenId(), List.of(image), 0, model.decoder());
      return search.divergences(prompt.rows(), prompt.segments());
    }
  }

  private double[] numbers(JsonNode array, String where) {
    int wanted = model.config().text().layers() - VtwLayerSearch.FIRST_LAYER;
    if (array.size() != wanted) throw new InvalidInputException(where + ": has " + array.size() + " divergences, not " + wanted + "; remove the file");
    double[] numbers = new double[wanted];
    for (int k = 0; k < wanted; k++) numbers[k] = array.get(k).asDouble();
    return numbers;
  }
}
