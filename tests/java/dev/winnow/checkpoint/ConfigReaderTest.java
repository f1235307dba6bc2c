package dev.winnow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigReaderTest {
  @TempDir Path temp;

  private ModelConfig config(String model, Consumer<ObjectNode> change) {
    return ConfigReader.read(ModelFolder.copy(model, temp).config(change).path).config();
  }

  private ModelConfig base(Consumer<ObjectNode> change) { return config("llava15-mha-56", change); }

  private void assertRefused(Consumer<ObjectNode> change, String... parts) { assertRefused("llava15-mha-56", change, parts); }

  private void assertRefused(String model, Consumer<ObjectNode> change, String... parts) {
    InvalidInputException refusal = assertThrows(InvalidInputException.class, () -> config(model, change));
    for (String part : parts) assertTrue(refusal.getMessage().contains(part), refusal.getMessage());
    assertFalse(refusal.getMessage().contains("\n"), refusal.getMessage());
  }

  @Test void defaultsAreThoseOfTheReference() {
    ModelConfig llava = base(json -> { });
    assertEquals(new TextConfig(32, 48, 4, 2, 2, 16, 648, 1e-5, RopeConfig.plain(10000), 4096, false, false), llava.text());
    assertEquals(new VisionConfig("clip", 24, 48, 3, 2, 56, 14, 1e-5, "quick_gelu", List.of(2), false), llava.vision());
    assertEquals("float32", llava.dtype());
    TextConfig mistral = config("llava-mistral-gqa-84", json -> { }).text();
    assertEquals(new TextConfig(48, 80, 3, 6, 2, 8, 640, 1e-5, RopeConfig.plain(1e6), 32768, false, false), mistral);
    ModelConfig onevision = config("llava-onevision-62", json -> { });
    assertEquals(new TextConfig(32, 64, 4, 4, 2, 8, 608, 1e-6, RopeConfig.plain(1e6), 32768, true, true), onevision.text());
    assertEquals(new VisionConfig("siglip", 24, 48, 3, 2, 62, 14, 1e-6, "gelu_pytorch_tanh", List.of(3), false), onevision.vision());
    assertEquals("anyres_max_9", onevision.aspectRatio());
    assertEquals(36, onevision.gridPinpoints().size());
    assertEquals(604, onevision.videoTokenId());
    TextConfig tied = config("llava-tied-rope3-56", json -> { }).text();
    assertEquals(new RopeConfig("llama3", 5e5, 8, 1, 4, 64), tied.rope());
    assertEquals(12, tied.headDim());
    assertTrue(tied.tiedEmbeddings());
    ModelConfig multi = config("llava-multilayer-full-56", json -> { });
    assertEquals(List.of(1, 3, 4), multi.vision().featureLayers());
    assertTrue(multi.vision().keepClass());
    assertFalse(multi.projectorBias());
    assertEquals("gelu", multi.vision().activation());
    assertEquals("default", config("llava-next-video-112", json -> { }).text().rope().type());
  }

  @ParameterizedTest
  @CsvSource({"'2', '2'", "'[-2]', '2'", "'[2]', '2'", "'3', '3'", "'-1', '3'", "'0', '0'", "'-4', '0'", "'[2,2,-1]', '2 2 3'"})
  void featureLayersCountFromTheEmbeddingOrFromTheEnd(String written, String resolved) {
    ModelConfig config = base(json -> put(json, "vision_feature_layer", written));
    assertEquals(resolved, String.join(" ", config.vision().featureLayers().stream().map(String::valueOf).toList()));
  }

  @ParameterizedTest
  @CsvSource({"'4'", "'-5'", "'[2,4]'", "'[]'", "'1.5'", "'\"2\"'", "'[[2]]'", "'4294967298'"})
  void featureLayersThatDoNotExistAreRefused(String written) {
    assertRefused(json -> put(json, "vision_feature_layer", written), "vision_feature_layer");
  }

  private static void put(ObjectNode json, String field, String value) {
    try {
      json.set(field, ModelFolder.JSON.readTree(value));
    } catch (IOException e) {
      throw new IllegalArgumentException(e);
    }
  }

  @Test void imageIdHasOneTruth() {
    assertRefused(json -> json.put("image_token_index", 600), "600", "638", "<image>");
    assertRefused(json -> json.put("image_token_id", 600), "638", "image_token_id");
    ModelConfig renamed = base(json -> { json.remove("image_token_index"); json.put("image_token_id", 638); });
    assertEquals(base(json -> { }), renamed);
    assertRefused("llava-next-video-112", json -> json.put("video_token_index", 7), "7", "640", "<video>");
  }

  @Test void framesArePooledAsTheConfigSays() throws IOException {
    assertEquals(2, config("llava-next-video-112", json -> { json.remove("spatial_pool_mode"); json.remove("spatial_pool_stride"); })
        .videoPoolStride());
    assertEquals(4, config("llava-next-video-112", json -> json.put("spatial_pool_stride", 4)).videoPoolStride());
    assertEquals(0, config("llava-onevision-62", json -> { }).videoPoolStride());
    assertRefused("llava-next-video-112", json -> json.put("spatial_pool_mode", "max"), "spatial_pool_mode", "max", "average");
    assertRefused("llava-next-video-112", json -> json.put("spatial_pool_stride", 9), "spatial_pool_stride", "9");
  }

  @Test void endIdsOfAllSourcesAreUnited() throws IOException {
    ModelFolder list = ModelFolder.copy("llava15-mha-56", temp);
    list.json("generation_config.json", json -> put(json, "eos_token_id", "[580,3]"));
    assertEquals(List.of(580, 3, 2), ConfigReader.read(list.path).config().eosIds());
    ModelFolder none = ModelFolder.copy("llava15-mha-56", temp).delete("generation_config.json");
    assertEquals(List.of(2), ConfigReader.read(none.path).config().eosIds());
    none.json("tokenizer_config.json", json -> json.remove("eos_token")).delete("special_tokens_map.json");
    assertEquals(List.of(2), ConfigReader.read(none.path).config().eosIds());
    none.config(json -> ((ObjectNode) json.get("text_config")).put("eos_token_id", 9));
    assertEquals(List.of(9), ConfigReader.read(none.path).config().eosIds());
  }

  @Test void unsupportedModelsAreNamed() {
    assertRefused(json -> put(json, "architectures", "[\"Qwen2VLForConditionalGeneration\"]"), "Qwen2VLForConditionalGeneration");
    assertRefused(json -> { json.remove("architectures"); json.put("model_type", "gemma3"); }, "gemma3");
    assertRefused(json -> { json.remove("architectures"); json.remove("model_type"); }, "not supported");
    assertRefused(json -> json.put("model_type", "llava_next"), "llava_next");
    assertRefused(json -> put(json, "quantization_config", "{\"quant_method\":\"awq\"}"), "awq");
    assertRefused(json -> put((ObjectNode) json.get("text_config"), "quantization_config", "{\"quant_method\":\"gptq\"}"), "gptq");
    assertRefused(json -> json.put("torch_dtype", "float8_e4m3fn"), "float8_e4m3fn");
    assertRefused("llava15-mha-56-orig", json -> json.put("mm_projector_type", "linear"), "mm_projector_type", "linear");
    assertRefused("llava15-mha-56-orig", json -> { }, "clip-vit-tiny-patch14-56", "missing");
    for (String name : new String[] {"..", "a/..", "", "x/", "a\\b", "\u0000"}) {
      assertRefused("llava15-mha-56-orig", json -> json.put("mm_vision_tower", name), "mm_vision_tower");
    }
  }

  @Test void fieldsThatMakeNoSenseAreNamed() {
    for (String change : List.of("num_attention_heads 0", "num_key_value_heads 3", "hidden_size -1", "hidden_size 1e30",
        "num_hidden_layers 1000000000", "head_dim 7", "vocab_size \"many\"", "rms_norm_eps 0", "rms_norm_eps NaN", "rope_theta -1",
            "hidden_act \"relu\"",
        "model_type \"gemma\"", "attention_bias true", "max_position_embeddings 0", "intermediate_size 2.5", "tie_word_embeddings 1")) {
      String[] parts = change.split(" ");
      assertRefused(json -> putAny((ObjectNode) json.get("text_config"), parts[0], parts[1]), parts[0].equals("num_key_value_heads")
          ? "num_attention_heads" : parts[0].equals("model_type") ? "gemma" : parts[0]);
    }
    for (String change : List.of("hidden_size 25", "patch_size 0", "patch_size 57", "image_size 1000000", "hidden_act \"relu\"",
        "model_type \"vit\"", "num_channels 4")) {
      String[] parts = change.split(" ");
      assertRefused(json -> putAny((ObjectNode) json.get("vision_config"), parts[0], parts[1]), "vision_config." + parts[0]);
    }
    assertRefused(json -> ((ObjectNode) json.get("text_config")).put("num_attention_heads", 5), "hidden_size", "5 heads");
    assertRefused(json -> json.remove("text_config"), "text_config");
    assertRefused(json -> json.put("vision_config", 3), "vision_config");
    assertRefused(json -> json.put("vision_feature_select_strategy", "cls"), "cls");
    assertRefused("llava-onevision-62", json -> json.put("vision_feature_select_strategy", "default"), "SigLIP");
    assertRefused("llava-next-mistral-84", json -> json.remove("image_grid_pinpoints"), "image_grid_pinpoints");
  }

  private static void putAny(ObjectNode json, String field, String value) {
    if (value.equals("NaN")) json.put(field, Double.NaN);
    else put(json, field, value);
  }

  @Test void ropeIsReadFromBothForms() {
    assertEquals(new RopeConfig("linear", 10000, 4, 1, 4, 8192), rope("rope_scaling", "{\"type\":\"linear\",\"factor\":4.0}"));
    assertEquals(new RopeConfig("linear", 3e5, 4, 1, 4, 8192),
        rope("rope_parameters", "{\"rope_theta\":300000,\"rope_type\":\"linear\",\"factor\":4.0}"));
    assertEquals(RopeConfig.plain(10000), rope("rope_scaling", "null"));
    for (String wrong : List.of("{\"type\":\"yarn\",\"factor\":2}", "{\"rope_type\":\"llama3\",\"factor\":8}", "{\"type\":\"linear\"}",
        "{\"type\":\"linear\",\"factor\":0}", "[1]",
        "{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4}")) {
      assertRefused(json -> put((ObjectNode) json.get("text_config"), "rope_scaling", wrong), "rope_scaling");
    }
  }

  private RopeConfig rope(String field, String value) {
    return base(json -> put((ObjectNode) json.get("text_config"), field, value)).text().rope();
  }

  @Test void aSlidingWindowBoundsTheSequence() {
    assertEquals(4096, config("llava-mistral-gqa-84", json ->
        ((ObjectNode) json.get("text_config")).remove("sliding_window")).text().maxPositions());
    assertEquals(512, config("llava-mistral-gqa-84", json ->
        ((ObjectNode) json.get("text_config")).put("sliding_window", 512)).text().maxPositions());
  }

  @Test void brokenJsonIsOneLine() throws IOException {
    for (String text : new String[] {"", "{", "[]", "{\"a\":1,\"a\":2}", "{} {}", "\uFEFF", "{\"a\":" + "[".repeat(100_000)}) {
      ModelFolder folder = ModelFolder.copy("llava15-mha-56", temp).write("config.json", text.getBytes(StandardCharsets.UTF_8));
      InvalidInputException refusal = assertThrows(InvalidInputException.class, () -> ConfigReader.read(folder.path), text);
      assertFalse(refusal.getMessage().contains("\n"), refusal.getMessage());
      assertTrue(refusal.getMessage().contains("config.json"), refusal.getMessage());
    }
  }

  @Test void noLocaleChangesWhatIsRead() {
    Locale before = Locale.getDefault();
    try {
      for (String tag : new String[] {"de-DE", "tr-TR", "ar-EG"}) {
        Locale.setDefault(Locale.forLanguageTag(tag));
        assertEquals(638, base(json -> { }).imageTokenId());
        assertEquals("llava_onevision", config("llava-onevision-62", json -> { }).family());
      }
    } finally {
      Locale.setDefault(before);
    }
  }
}
