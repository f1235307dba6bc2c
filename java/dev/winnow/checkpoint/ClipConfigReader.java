package dev.winnow.checkpoint;

import java.nio.file.Path;
import java.util.List;

/** Reads the config.json of a CLIP model; what a file leaves out has the default that transformers gives it. */
final class ClipConfigReader {
  private ClipConfigReader() {}

  /** Throws InvalidInputException naming the file and the field that is missing, wrong or not CLIP's. */
  static ClipConfig read(Path folder) {
    JsonFile json = JsonFile.read(folder.resolve("config.json"));
    String type = json.text("model_type", "");
    if (!type.equals("clip")) {
      throw json.wrong("model_type", "is '" + type + "', not 'clip': name a folder with a whole CLIP model, text tower included, such as"
          + " openai/clip-vit-large-patch14-336");
    }
    for (String part : List.of("text_config", "vision_config")) if (!json.has(part)) throw json.wrong(part, "is missing");
    JsonFile text = json.object("text_config");
    JsonFile vision = json.object("vision_config");
    int hidden = size(text, "hidden_size", 512);
    int heads = size(text, "num_attention_heads", 8);
    if (hidden % heads != 0) throw text.wrong("hidden_size", "is " + hidden + ", no multiple of the " + heads + " heads");
    return new ClipConfig(hidden, size(text, "intermediate_size", 2048),
        text.integer("num_hidden_layers", 12, 1, TextConfigReader.MOST_LAYERS), heads,
        text.integer("max_position_embeddings", 77, 2, 1 << 14),
        text.integer("vocab_size", 49408, 1, SpecialTokens.LARGEST_ID), text.positive("layer_norm_eps", 1e-5),
        VisionConfigReader.activation(text, "quick_gelu"), text.integer("eos_token_id", 49407, 0, SpecialTokens.LARGEST_ID),
        size(json, "projection_dim", 512), size(vision, "hidden_size", 768), vision.positive("layer_norm_eps", 1e-5));
  }

  private static int size(JsonFile json, String field, int fallback) {
    return json.integer(field, fallback, 1, TextConfigReader.LARGEST_SIZE);
  }
}
