package dev.winnow.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads config.json, generation_config.json and what the tokenizer files say about single tokens into one checked {@link ModelConfig}. */
final class ConfigReader {
  private static final Map<String, String> FAMILIES = Map.of(
      "LlavaForConditionalGeneration", "llava",
      "LlavaNextForConditionalGeneration", "llava_next",
      "LlavaNextVideoForConditionalGeneration", "llava_next_video",
      "LlavaOnevisionForConditionalGeneration", "llava_onevision",
      "VideoLlavaForConditionalGeneration", "video_llava");
  private static final String ORIGINAL = "LlavaLlamaForCausalLM";
  /** Original LLaVA marks the image's place by an id that no vocabulary has. */
  private static final int ORIGINAL_IMAGE_ID = -200;
  private static final int USUAL_EOS = 2;

  private final Path folder;
  private final JsonFile json;
  private final SpecialTokens tokens;

  private ConfigReader(Path folder) {
    this.folder = folder;
    this.json = JsonFile.read(folder.resolve("config.json"));
    this.tokens = SpecialTokens.read(folder);
  }

  /** @param tower folder of a separately stored vision tower; null if the tower lies among the model's own tensors */
  record Result(ModelConfig config, Path tower, SpecialTokens tokens) {}

  static Result read(Path folder) { return new ConfigReader(folder).read(); }

  private Result read() {
    refuseQuantised(json);
    refuseQuantised(json.object("text_config"));
    JsonNode architectures = json.node().path("architectures");
    String architecture = architectures.isArray() && architectures.size() > 0 ? architectures.get(0).asText() : null;
    if (ORIGINAL.equals(architecture)) return original();
    String type = json.text("model_type", null);
    String family = architecture == null ? type : FAMILIES.get(architecture);
    if (family == null || !FAMILIES.containsValue(family)) {
      throw new InvalidInputException(json.file() + ": architecture '" + (architecture == null ? type : architecture)
          + "' is not supported; supported are LLaVA, LLaVA-NeXT, LLaVA-NeXT-Video, LLaVA-OneVision and Video-LLaVA");
    }
    if (type != null && !type.equals(family)) {
      throw json.wrong("model_type", "is '" + type + "', but the architecture " + architecture + " means '" + family + "'");
    }
    return new Result(hub(family), null, tokens);
  }

  private ModelConfig hub(String family) {
    boolean onevision = family.equals("llava_onevision");
    for (String part : List.of("text_config", "vision_config")) {
      if (!json.has(part)) throw json.wrong(part, "is missing");
    }
    JsonFile text = json.object("text_config");
    VisionConfig vision = VisionConfigReader.read(json.object("vision_config"), json, "vision_feature_layer", onevision ? -1 : -2,
        json.text("vision_feature_select_strategy", onevision ? "full" : "default"));
    boolean tiles = family.startsWith("llava_next") || onevision;
    boolean video = family.equals("llava_next_video") || onevision || family.equals("video_llava");
    String textKind = text.text("model_type", onevision ? "qwen2" : "llama");
    return new ModelConfig(family, false, dtype(text),
        TextConfigReader.read(text, textKind, json.flag("tie_word_embeddings", false)), vision,
        gelu(json.text("projector_hidden_act", "gelu")), json.flag("multimodal_projector_bias", true),
        placeholder("image", defaultImageId(family), tokens.imageToken()),
        video ? placeholder("video", onevision ? 151647 : family.equals("video_llava") ? 32001 : 32000, tokens.videoToken()) : -1,
        family.equals("llava_next_video") ? poolStride(vision) : 0, eosIds(text),
        tiles ? json.text("vision_aspect_ratio", onevision ? "anyres_max_9" : "anyres") : "",
        tiles ? pinpoints() : List.of());
  }

  private int poolStride(VisionConfig vision) {
    String mode = json.text("spatial_pool_mode", "average");
    if (!mode.equals("average")) throw json.wrong("spatial_pool_mode", "is '" + mode + "': not supported; supported is average");
    return json.integer("spatial_pool_stride", 2, 1, vision.grid());
  }

  private static int defaultImageId(String family) {
    return family.equals("llava_onevision") ? 151646 : family.equals("llava_next_video") ? 32001 : 32000;
  }

  private Result original() {
    if (json.flag("mm_use_im_start_end", false)) {
      throw json.wrong("mm_use_im_start_end", "is true: prompts with image start and end tokens are not supported");
    }
    String projector = json.text("mm_projector_type", "linear");
    if (!projector.equals("mlp2x_gelu")) {
      throw json.wrong("mm_projector_type", "is '" + projector + "': not supported; supported is mlp2x_gelu");
    }
    String aspect = json.text("image_aspect_ratio", "square");
    if (!aspect.equals("square") && !aspect.equals("pad")) {
      throw json.wrong("image_aspect_ratio", "is '" + aspect
          + "': not supported in the original layout; use the converted checkpoint (llava-hf)");
    }
    Path tower = towerFolder();
    JsonFile towerConfig = JsonFile.read(tower.resolve("config.json"));
    JsonFile vision = towerConfig.has("vision_config") ? towerConfig.object("vision_config") : towerConfig;
    String feature = json.text("mm_vision_select_feature", "patch");
    if (!feature.equals("patch") && !feature.equals("cls_patch")) {
      throw json.wrong("mm_vision_select_feature", "is '" + feature + "'; known are patch and cls_patch");
    }
    VisionConfig visionConfig = VisionConfigReader.read(vision, json, "mm_vision_select_layer", -2,
        feature.equals("patch") ? "default" : "full");
    ModelConfig config = new ModelConfig("llava", true, dtype(json), TextConfigReader.read(json, "llama", false), visionConfig,
        "gelu", true, ORIGINAL_IMAGE_ID, -1, 0, eosIds(json), aspect.equals("pad") ? "pad" : "", List.of());
    return new Result(config, tower, tokens);
  }

  /** The last part of mm_vision_tower, inside or beside the model's folder. Only the last part: the rest names a hub or another machine. */
  private Path towerFolder() {
    String name = json.text("mm_vision_tower", json.text("vision_tower", ""));
    String last = name.substring(name.lastIndexOf('/') + 1);
    if (last.isEmpty() || last.startsWith(".") || last.indexOf('\\') >= 0) {
      throw json.wrong("mm_vision_tower", "is '" + name + "': names no folder");
    }
    Path inside;
    Path beside;
    try {
      inside = folder.resolve(last);
      beside = folder.toAbsolutePath().normalize().resolveSibling(last);
    } catch (InvalidPathException e) {
      throw json.wrong("mm_vision_tower", "is no name of a folder: " + e.getReason());
    }
    if (Files.isDirectory(inside)) return inside;
    if (Files.isDirectory(beside)) return beside;
    throw new InvalidInputException("the vision tower " + name + " is missing: put its folder at " + inside + " or " + beside);
  }

  /** The placeholder's id: one truth, whether config.json's field has its old or its new name and whatever the tokenizer says. */
  private int placeholder(String what, int fallback, String content) {
    String older = what + "_token_index";
    String newer = what + "_token_id";
    String field = json.has(older) ? older : newer;
    int id = json.integer(field, fallback, 0, Integer.MAX_VALUE);
    if (json.has(older) && json.integer(newer, id, 0, Integer.MAX_VALUE) != id) {
      throw json.wrong(older, "is " + id + ", but " + newer + " says otherwise");
    }
    Integer known = tokens.added().get(content);
    if (known != null && known != id) {
      throw json.wrong(field, "is " + id + ", but the tokenizer gives " + content + " the id " + known + ": the two must agree");
    }
    return id;
  }

  /** generation_config.json, else config.json, else what the tokenizer says; the tokenizer's own end token always belongs to the set. */
  private List<Integer> eosIds(JsonFile text) {
    Set<Integer> ids = new LinkedHashSet<>(JsonFile.readIfThere(folder.resolve("generation_config.json")).integers("eos_token_id"));
    if (ids.isEmpty()) ids.addAll(json.integers("eos_token_id"));
    if (ids.isEmpty()) ids.addAll(text.integers("eos_token_id"));
    tokens.eosId().ifPresent(ids::add);
    if (ids.isEmpty()) ids.add(USUAL_EOS);
    return List.copyOf(ids);
  }

  private List<List<Integer>> pinpoints() {
    List<List<Integer>> list = new ArrayList<>();
    for (JsonNode pair : json.node().path("image_grid_pinpoints")) {
      if (pair.size() != 2 || !pair.get(0).isInt() || !pair.get(1).isInt() || pair.get(0).intValue() < 1 || pair.get(1).intValue() < 1) {
        throw json.wrong("image_grid_pinpoints", "is not a list of pairs of sizes above 0");
      }
      list.add(List.of(pair.get(0).intValue(), pair.get(1).intValue()));
    }
    if (list.isEmpty()) throw json.wrong("image_grid_pinpoints", "is missing or empty");
    return List.copyOf(list);
  }

  /** Empty if no file says it: then the stored embedding matrix decides. */
  private String dtype(JsonFile text) {
    String dtype = json.text("dtype", json.text("torch_dtype", text.text("dtype", text.text("torch_dtype", ""))));
    if (!List.of("", "float32", "float16", "bfloat16").contains(dtype)) {
      throw json.wrong("dtype", "is '" + dtype + "': not supported; supported are float32, float16 and bfloat16");
    }
    return dtype;
  }

  private String gelu(String activation) {
    if (!activation.equals("gelu")) throw json.wrong("projector_hidden_act", "is '" + activation + "': not supported; supported is gelu");
    return activation;
  }

  private static void refuseQuantised(JsonFile json) {
    for (String field : List.of("quantization_config", "compression_config")) {
      if (!json.has(field)) continue;
      String method = json.object(field).text("quant_method", "unknown");
      throw json.wrong(field, "says that the weights are quantised (" + method + "): not supported; use the unquantised checkpoint");
    }
  }
}
