package dev.winnow.calibrate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ChatMessage;
import dev.winnow.engine.Model;
import dev.winnow.engine.Prompt;
import dev.winnow.eval.EvalItem;
import dev.winnow.eval.EvalRun;
import dev.winnow.eval.ResultFile;
import dev.winnow.eval.Texts;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlanWriter;
import dev.winnow.vision.ImageReader;
import dev.winnow.vision.VisionObserver;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * What calibrations share: {@link FirstTokenShift} of plans over questions about pictures. Each result is on disk before the next is
 * computed, and is not computed again when the same file is given.
 */
final class PlanDivergences implements AutoCloseable {
  private final Model model;
  private final List<EvalItem> items;
  private final ResultFile file;
  /** By plan, then by question. */
  private final Map<String, Map<String, Double>> known = new HashMap<>();

  /** Over the questions, in nats. */
  record Summary(double mean, double highest) {}

  /**
   * @param model computing in float32
   * @param method that the plans are of
   * @param data the file that the questions came from
   * @param setting what else the results depend on
   */
  PlanDivergences(Model model, List<EvalItem> items, String method, Path data, Map<String, String> setting, Path results) {
    this.model = model;
    this.items = items;
    ObjectNode header = Texts.object().put("format", "winnow.calibrate." + method + "/2").put("family", model.config().family());
    header.put("layers", model.config().text().layers()).put("hidden", model.config().text().hidden()).put("device", model.device());
    header.put("data", data.getFileName().toString());
    setting.forEach(header::put);
    file = new ResultFile(results, header);
    int line = 1;
    for (JsonNode node : file.lines()) {
      String where = results + " line " + ++line;
      String id = Texts.field(node, "id", where);
      for (Map.Entry<String, JsonNode> entry : node.path("divergences").properties()) {
        if (!entry.getValue().isNumber()) {
          throw new InvalidInputException(where + ": has no number for '" + entry.getKey() + "'; remove the file");
        }
        keep(entry.getKey(), id, entry.getValue().asDouble());
      }
    }
  }

  /** Refuses what cannot be calibrated. */
  static void check(Model model, List<EvalItem> items) {
    if (model.dtype() != Dtype.of("float32")) throw new InvalidInputException("calibration needs float32; open the model with it");
    for (EvalItem item : items) {
      if (item.image() != null) continue;
      throw new InvalidInputException("question " + item.id() + " has no picture, so there is nothing to withdraw; leave it out");
    }
  }

  private void keep(String plan, String id, double divergence) { known.computeIfAbsent(plan, key -> new HashMap<>()).put(id, divergence); }

  /**
   * Question by question, so that each is encoded once.
   *
   * @param plans by what they are called in the file
   */
  Map<String, Summary> of(Map<String, Plan> plans, EvalRun.Progress progress) {
    for (int i = 0; i < items.size(); i++) {
      progress.at(i, items.size());
      EvalItem item = items.get(i);
      Set<String> missing = plans.keySet().stream().filter(name -> !known.getOrDefault(name, Map.of()).containsKey(item.id()))
          .collect(Collectors.toSet());
      if (!missing.isEmpty()) compute(item, new TreeMap<>(plans), missing);
    }
    progress.at(items.size(), items.size());
    Map<String, Summary> summaries = new LinkedHashMap<>();
    for (String name : plans.keySet()) {
      double[] values = items.stream().mapToDouble(item -> known.get(name).get(item.id())).toArray();
      double sum = 0;
      double highest = 0;
      for (double value : values) {
        sum += value;
        highest = Math.max(highest, value);
      }
      summaries.put(name, new Summary(sum / values.length, highest));
    }
    return summaries;
  }

  private void compute(EvalItem item, Map<String, Plan> plans, Set<String> missing) {
    ObjectNode node = Texts.object().put("id", item.id());
    ObjectNode divergences = node.putObject("divergences");
    try (PointerScope scope = new PointerScope()) {
      Tensor image = Tensors.adopt(scope,
          model.images().encode(model.images().prepare(ImageReader.read(item.image()), false), VisionObserver.NONE));
      int[] ids = model.tokenizer().encode(model.chatFormat().prompt(List.of(ChatMessage.user(1, 0, item.question()))));
      Prompt prompt = Prompt.assemble(ids, model.config().imageTokenId(), List.of(image), 0, model.decoder());
      FirstTokenShift shift = new FirstTokenShift(model.decoder(), prompt.rows(), prompt.segments());
      plans.forEach((name, plan) -> {
        if (missing.contains(name)) divergences.put(name, shift.under(plan));
      });
    }
    file.append(node);
    divergences.properties().forEach(entry -> keep(entry.getKey(), item.id(), entry.getValue().asDouble()));
  }

  /** Writes {@code METHOD.json}: settings and how they were found; and {@code plan.json}, the same as a plan file. */
  static void writeSettings(Plan plan, ObjectNode settings, ObjectNode foundBy, Path folder) {
    ObjectNode root = Texts.object().put("format", "winnow.settings/1").put("method", plan.method());
    root.set("params", settings);
    root.set("found_by", foundBy);
    Texts.write(folder.resolve(plan.method() + ".json"), Texts.pretty(root));
    Texts.write(folder.resolve("plan.json"), PlanWriter.write(plan) + "\n");
  }

  @Override public void close() { file.close(); }
}
