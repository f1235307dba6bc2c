package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;
import java.util.ArrayList;
import java.util.List;

/** Reads the vision tower's part of a config.json and resolves which of its hidden states are the features. */
final class VisionConfigReader {
  private VisionConfigReader() {}

  /**
   * @param json the object with the tower's fields
   * @param outer the object that holds {@code layerField}
   * @param layerField integer or list of integers: hidden states counted from the embedding output (0), or from the end (-1)
   * @param select "default" (class token dropped) or "full"
   */
  static VisionConfig read(JsonFile json, JsonFile outer, String layerField, int layerFallback, String select) {
    String type = json.text("model_type", "clip_vision_model");
    boolean clip = type.equals("clip_vision_model");
    if (!clip && !type.equals("siglip_vision_model")) {
      throw json.wrong("model_type", "is '" + type + "': not supported; supported are clip_vision_model and siglip_vision_model");
    }
    if (json.integer("num_channels", 3, 1, 64) != 3) throw json.wrong("num_channels", "is not 3");
    boolean full = select.equals("full");
    if (!full && !select.equals("default")) {
      throw new InvalidInputException(outer.file() + ": vision_feature_select_strategy '" + select
          + "' is unknown; known are default and full");
    }
    if (!clip && !full) {
      throw new InvalidInputException(outer.file()
          + ": vision_feature_select_strategy 'default' drops a class token, and a SigLIP tower has none; set it to 'full'");
    }
    int hidden = json.integer("hidden_size", 768, 1, TextConfigReader.LARGEST_SIZE);
    int intermediate = json.integer("intermediate_size", 3072, 1, TextConfigReader.LARGEST_SIZE);
    int layers = json.integer("num_hidden_layers", 12, 1, TextConfigReader.MOST_LAYERS);
    int heads = json.integer("num_attention_heads", 12, 1, TextConfigReader.LARGEST_SIZE);
    if (hidden % heads != 0) throw json.wrong("hidden_size", "is " + hidden + ", no multiple of the " + heads + " heads");
    int imageSize = json.integer("image_size", 224, 1, 1 << 14);
    int patchSize = json.integer("patch_size", clip ? 32 : 16, 1, 1 << 14);
    if (patchSize > imageSize) throw json.wrong("patch_size", "is " + patchSize + ", larger than the picture of " + imageSize + " pixels");
    String activation = activation(json, clip ? "quick_gelu" : "gelu_pytorch_tanh");
    List<Integer> wanted = outer.has(layerField) ? outer.integers(layerField) : List.of(layerFallback);
    return new VisionConfig(clip ? "clip" : "siglip", hidden, intermediate, layers, heads, imageSize, patchSize,
        json.positive("layer_norm_eps", clip ? 1e-5 : 1e-6), activation, resolve(outer, layerField, wanted, layers), clip && full);
  }

  /** The name of an activation function that towers have. */
  static String activation(JsonFile json, String fallback) {
    String name = json.text("hidden_act", fallback);
    if (!List.of("quick_gelu", "gelu", "gelu_pytorch_tanh").contains(name)) {
      throw json.wrong("hidden_act", "is '" + name + "': not supported; supported are quick_gelu, gelu and gelu_pytorch_tanh");
    }
    return name;
  }

  /** A tower of N blocks has N+1 hidden states: 0 is the embedding output, N the last block's; -1 is N, -(N+1) is 0. */
  private static List<Integer> resolve(JsonFile outer, String field, List<Integer> wanted, int layers) {
    if (wanted.isEmpty()) throw outer.wrong(field, "is an empty list");
    List<Integer> resolved = new ArrayList<>();
    for (int layer : wanted) {
      int index = layer < 0 ? layer + layers + 1 : layer;
      if (index < 0 || index > layers) {
        throw outer.wrong(field, "names hidden state " + layer + ", but a tower of " + layers + " blocks has " + -(layers + 1) + " to "
            + layers);
      }
      resolved.add(index);
    }
    return List.copyOf(resolved);
  }
}
