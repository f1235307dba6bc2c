package dev.winnow.eval;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.engine.Model;
import dev.winnow.kernels.NativeLibrary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** A cost model on disk, with what it was measured for; it is used for nothing else. */
public final class CostFile {
  private static final String FORMAT = "winnow.cost/1";

  private CostFile() {}

  /** Where a model's costs are kept unless a user says otherwise: beside the unpacked natives. */
  public static Path standard(Model model) {
    ModelConfig config = model.config();
    String name = String.format(Locale.ROOT, "%s-%dx%d-%s-%s-%d.json", config.family(), config.text().layers(), config.text().hidden(),
        model.dtype().label, model.device().replace(':', '-'), model.threads());
    return Path.of(NativeLibrary.cacheFolder()).toAbsolutePath().resolveSibling("winnow-cost").resolve(name);
  }

  public static void write(Path file, Model model, CostMeasurement.Measured measured) {
    ObjectNode root = Texts.object().put("format", FORMAT);
    root.set("measured_for", key(model));
    CostModel cost = measured.model();
    root.put("fixed_ms", cost.fixed()).put("per_row_ms", cost.perRow()).put("per_pair_ms", cost.perPair()).put("per_tile_ms", cost.perTile());
    ArrayNode samples = root.putArray("samples");
    for (CostModel.Sample sample : measured.samples()) samples.addObject().put("rows", sample.rows()).put("ms", sample.millis());
    Texts.write(file, Texts.pretty(root));
  }

  /** Throws InvalidInputException naming the remedy where there is no file, or it is of another model, machine setting or build. */
  public static CostModel read(Path file, Model model) {
    String remedy = "; run 'winnow calibrate cost' with this model, --dtype, --device and --threads first";
    if (!Files.isRegularFile(file)) throw new InvalidInputException(file + ": there are no measured costs to meet a time target by" + remedy);
    JsonNode root = Texts.parse(Texts.text(file), file.toString());
    String wanted = Texts.line(key(model));
    if (!FORMAT.equals(root.path("format").asText()) || !Texts.line(root.path("measured_for")).equals(wanted)) {
      throw new InvalidInputException(file + ": holds costs of " + Texts.line(root.path("measured_for")) + ", not of " + wanted + remedy);
    }
    return new CostModel(part(root, "fixed_ms", file), part(root, "per_row_ms", file), part(root, "per_pair_ms", file),
        part(root, "per_tile_ms", file));
  }

  private static double part(JsonNode root, String name, Path file) {
    double value = Texts.number(root, name);
    if (!(value >= 0)) throw new InvalidInputException(file + ": '" + name + "' is no number of 0 or more; measure again");
    return value;
  }

  private static ObjectNode key(Model model) {
    ModelConfig config = model.config();
    ObjectNode key = Texts.object().put("family", config.family()).put("layers", config.text().layers()).put("hidden", config.text().hidden())
        .put("intermediate", config.text().intermediate()).put("kv_heads", config.text().kvHeads()).put("vocab", config.text().vocab())
        .put("tower_layers", config.vision().layers()).put("tower_patches", config.vision().patches());
    return key.put("dtype", model.dtype().label).put("device", model.device()).put("threads", model.threads())
        .put("build", NativeLibrary.buildId());
  }
}
