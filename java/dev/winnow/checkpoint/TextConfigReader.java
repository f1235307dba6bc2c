package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;

/**
 * Reads the text model's part of a config.json. A field that is left out has the value that transformers gives it for that
 * kind of model; published files leave most of them out.
 */
final class TextConfigReader {
  static final int LARGEST_SIZE = 1 << 24;
  static final int MOST_LAYERS = 1024;

  private final JsonFile json;
  private final String kind;

  private TextConfigReader(JsonFile json, String kind) {
    this.json = json;
    this.kind = kind;
  }

  /**
   * @param json the object with the text model's fields (text_config, or the whole file in the original layout)
   * @param kind "llama", "mistral" or "qwen2"
   * @param tied whether the output matrix is the embedding matrix, if the object itself does not say
   */
  static TextConfig read(JsonFile json, String kind, boolean tied) {
    if (!kind.equals("llama") && !kind.equals("mistral") && !kind.equals("qwen2")) {
      throw new InvalidInputException(json.file() + ": text model '" + kind + "' is not supported; supported are llama, mistral and qwen2");
    }
    return new TextConfigReader(json, kind).read(tied);
  }

  private TextConfig read(boolean tied) {
    refuse("hidden_act", json.text("hidden_act", "silu"), "silu");
    if (json.flag("attention_bias", false)) throw json.wrong("attention_bias", "is true: not supported");
    if (json.flag("mlp_bias", false)) throw json.wrong("mlp_bias", "is true: not supported");
    int hidden = json.integer("hidden_size", 4096, 1, LARGEST_SIZE);
    int intermediate = json.integer("intermediate_size", byKind(11008, 14336, 22016), 1, LARGEST_SIZE);
    int layers = json.integer("num_hidden_layers", 32, 1, MOST_LAYERS);
    int heads = json.integer("num_attention_heads", 32, 1, LARGEST_SIZE);
    int kvHeads = json.integer("num_key_value_heads", byKind(heads, 8, 32), 1, LARGEST_SIZE);
    if (heads % kvHeads != 0) {
      throw json.wrong("num_attention_heads", "is " + heads + ", no multiple of the " + kvHeads + " key-value heads");
    }
    if (!json.has("head_dim") && hidden % heads != 0) {
      throw json.wrong("hidden_size", "is " + hidden + ", no multiple of the " + heads + " heads");
    }
    int headDim = json.integer("head_dim", hidden / heads, 1, 1 << 16);
    if (headDim % 2 != 0) throw json.wrong("head_dim", "is " + headDim + ": rotary embedding needs an even number");
    int vocab = json.integer("vocab_size", byKind(32000, 32000, 151936), 1, LARGEST_SIZE);
    int positions = json.integer("max_position_embeddings", byKind(2048, 131072, 32768), 1, Integer.MAX_VALUE);
    return new TextConfig(hidden, intermediate, layers, heads, kvHeads, headDim, vocab, json.positive("rms_norm_eps", 1e-6),
        rope(positions), Math.min(positions, window()), kind.equals("qwen2"), json.flag("tie_word_embeddings", tied));
  }

  /** Within a sliding window attention is ordinary attention, so a sequence that never leaves it is computed exactly. */
  private int window() {
    boolean used = kind.equals("mistral") || kind.equals("qwen2") && json.flag("use_sliding_window", false);
    boolean off = kind.equals("mistral") && json.node().has("sliding_window") && !json.has("sliding_window");
    return used && !off ? json.integer("sliding_window", 4096, 1, Integer.MAX_VALUE) : Integer.MAX_VALUE;
  }

  private RopeConfig rope(int positions) {
    if (json.positive("partial_rotary_factor", 1) != 1) throw json.wrong("partial_rotary_factor", "is not 1: not supported");
    double plain = json.positive("rope_theta", 10000);
    JsonFile scaling = json.object(json.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
    double theta = scaling.positive("rope_theta", plain);
    String type = scaling.text("rope_type", scaling.text("type", "default"));
    switch (type) {
      case "default":
        return RopeConfig.plain(theta);
      case "linear":
        return new RopeConfig(type, theta, required(scaling, "factor"), 1, 4, 8192);
      case "llama3":
        double low = required(scaling, "low_freq_factor");
        double high = required(scaling, "high_freq_factor");
        if (!(high > low)) throw scaling.wrong("high_freq_factor", "is " + high + ", not above low_freq_factor " + low);
        int original = scaling.integer("original_max_position_embeddings", positions, 1, Integer.MAX_VALUE);
        return new RopeConfig(type, theta, required(scaling, "factor"), low, high, original);
      default:
        throw scaling.wrong("rope_type", "is '" + type + "': not supported; supported are default, linear and llama3");
    }
  }

  private static double required(JsonFile json, String field) {
    if (!json.has(field)) throw json.wrong(field, "is missing");
    return json.positive(field, 0);
  }

  private void refuse(String field, String value, String supported) {
    if (!value.equals(supported)) throw json.wrong(field, "is '" + value + "': not supported; supported is " + supported);
  }

  private int byKind(int llama, int mistral, int qwen2) { return kind.equals("llama") ? llama : kind.equals("mistral") ? mistral : qwen2; }
}
