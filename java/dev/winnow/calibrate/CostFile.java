package dev.winnow.calibrate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.engine.Model;
import dev.winnow.eval.Texts;
import dev.winnow.eval.Variant;
import dev.winnow.kernels.NativeLibrary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Measured costs on disk, with what they were measured for; they are used for nothing else. */
public final class CostFile {
  private static final String FORMAT = "winnow.cost/3";

  private CostFile() {}

  /** Where a model's costs are kept unless a user says otherwise: beside the unpacked natives. */
  public static Path standard(Model model) {
    ModelConfig config = model.config();
    String name = String.format(Locale.ROOT, "%s-%dx%d-%s-%s-%d.json", config.family(), config.text().layers(), config.text().hidden(),
        model.dtype().label, model.device().replace(':', '-'), model.threads());
    return Path.of(NativeLibrary.cacheFolder()).toAbsolutePath().resolveSibling("winnow-cost").resolve(name);
  }

  /** Methods that were not measured this time stay as they are in the file, if that is of the same model, machine setting and build. */
  public static void write(Path file, Model model, CostMeasurement.Measured measured) {
    Map<String, PruningCost> pruning = new TreeMap<>();
    if (Files.isRegularFile(file)) pruning.putAll(held(file, model));
    pruning.putAll(measured.pruning());
    ObjectNode root = Texts.object().put("format", FORMAT);
    root.set("measured_for", key(model));
    CostModel decoder = measured.decoder();
    root.put("fixed_ms", decoder.fixed()).put("per_row_ms", decoder.perRow()).put("per_pair_ms", decoder.perPair());
    root.put("per_tile_ms", measured.perTile());
    ArrayNode samples = root.putArray("samples");
    for (CostModel.Sample sample : measured.samples()) samples.addObject().put("rows", sample.rows()).put("ms", sample.millis());
    ObjectNode methods = root.putObject("methods");
    pruning.forEach((label, cost) -> write(methods.putObject(label), cost));
    Texts.write(file, Texts.pretty(root));
  }

  private static void write(ObjectNode method, PruningCost cost) {
    method.put("image_tokens", cost.imageTokens());
    ArrayNode points = method.putArray("budgets");
    for (PruningCost.Point point : cost.points()) {
      points.addObject().put("share", point.share()).put("per_tile_ms", point.perTile()).put("in_decoder_ms", point.inDecoder())
          .put("entering", point.entering());
    }
  }

  /** What an earlier calibration measured of methods; nothing where the file is of something else. */
  private static Map<String, PruningCost> held(Path file, Model model) {
    Map<String, PruningCost> held = new TreeMap<>();
    try {
      JsonNode methods = open(file, model).path("methods");
      methods.fieldNames().forEachRemaining(label -> held.put(label, pruning(methods.get(label), label, file)));
    } catch (InvalidInputException e) {
      return Map.of();
    }
    return held;
  }

  /**
   * What is predicted by for a method.
   *
   * @throws InvalidInputException naming the remedy where there is no file, it is of another model, machine setting or build, or the method
   *     with these settings was not measured
   */
  public static PromptCost read(Path file, Model model, Variant variant) {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(file + ": there are no measured costs to meet a time target by" + remedy(""));
    }
    JsonNode root = open(file, model);
    String label = variant.sortedLabel();
    JsonNode method = root.path("methods").get(label);
    if (method == null) {
      throw new InvalidInputException(file + ": what pruning by '" + label + "' costs was not measured"
          + remedy(" --method \"" + label + "\""));
    }
    return new PromptCost(new CostModel(part(root, "fixed_ms", file), part(root, "per_row_ms", file), part(root, "per_pair_ms", file)),
        part(root, "per_tile_ms", file), pruning(method, label, file));
  }

  private static String remedy(String options) {
    return "; run 'winnow calibrate cost" + options + "' with this model, --dtype, --device and --threads first";
  }

  private static JsonNode open(Path file, Model model) {
    JsonNode root = Texts.parse(Texts.text(file), file.toString());
    String wanted = Texts.line(key(model));
    String format = root.path("format").asText();
    if (!FORMAT.equals(format)) {
      throw new InvalidInputException(file + ": holds costs in the format '" + format + "', not '" + FORMAT + "'" + remedy(""));
    }
    if (!Texts.line(root.path("measured_for")).equals(wanted)) {
      throw new InvalidInputException(file + ": holds costs of " + Texts.line(root.path("measured_for")) + ", not of " + wanted
          + remedy(""));
    }
    return root;
  }

  private static PruningCost pruning(JsonNode method, String label, Path file) {
    List<PruningCost.Point> points = new ArrayList<>();
    for (JsonNode point : method.path("budgets")) {
      points.add(new PruningCost.Point(part(point, "share", file), part(point, "per_tile_ms", file), part(point, "in_decoder_ms", file),
          part(point, "entering", file)));
    }
    int tokens = (int) part(method, "image_tokens", file);
    boolean ascending = IntStream.range(1, points.size()).allMatch(i -> points.get(i - 1).share() < points.get(i).share());
    if (points.isEmpty() || !ascending || tokens < 1) {
      throw new InvalidInputException(file + ": the costs of '" + label
          + "' are not by ascending share of some picture's tokens; measure again");
    }
    return new PruningCost(tokens, points);
  }

  private static double part(JsonNode root, String name, Path file) {
    double value = Texts.number(root, name);
    if (!(value >= 0)) throw new InvalidInputException(file + ": '" + name + "' is no number of 0 or more; measure again");
    return value;
  }

  private static ObjectNode key(Model model) {
    ModelConfig config = model.config();
    ObjectNode key = Texts.object().put("family", config.family()).put("layers", config.text().layers())
        .put("hidden", config.text().hidden())
        .put("intermediate", config.text().intermediate()).put("kv_heads", config.text().kvHeads()).put("vocab", config.text().vocab())
        .put("tower_layers", config.vision().layers()).put("tower_patches", config.vision().patches());
    return key.put("dtype", model.dtype().label).put("device", model.device()).put("threads", model.threads())
        .put("build", NativeLibrary.buildId());
  }
}
