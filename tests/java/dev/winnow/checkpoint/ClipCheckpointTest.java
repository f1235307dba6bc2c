package dev.winnow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** CLIP folders: what is read of them, and one clear line for each thing that may be wrong. */
class ClipCheckpointTest {
  private static final Path CLIP = TestData.path("clip/clip-vit-tiny-text");
  private static final int BEGIN = 622;
  private static final int END = 623;

  @TempDir Path temp;

  private ModelFolder copy() { return ModelFolder.copy(CLIP, temp); }

  private static void assertRefused(Path folder, String... parts) {
    long before = Pointer.totalCount();
    InvalidInputException refusal = assertThrows(InvalidInputException.class, () -> ClipCheckpoint.open(folder).close());
    for (String part : parts) assertTrue(refusal.getMessage().contains(part), refusal.getMessage());
    assertEquals(1, refusal.getMessage().lines().count(), refusal.getMessage());
    assertEquals(before, Pointer.totalCount(), "a refused folder leaves nothing mapped");
  }

  @Test void onlyWhatALlavaLacksIsTaken() {
    try (ClipCheckpoint clip = ClipCheckpoint.open(CLIP)) {
      assertEquals(new ClipConfig(16, 32, 2, 2, 77, 624, 1e-5, "quick_gelu", 2, 16, 24, 1e-5), clip.config());
      assertEquals(2 + 2 * 16 + 2 + 1 + 2 + 1, clip.weights().names().size());
      assertTrue(clip.weights().names().stream().noneMatch(name -> name.contains("vision_model.encoder")));
    }
  }

  /** What a config leaves out is what transformers takes for it. */
  @Test void defaultsAreThoseOfTransformers() throws IOException {
    ModelFolder folder = copy().config(config -> {
      config.remove("projection_dim");
      config.putObject("text_config");
      config.putObject("vision_config");
    });
    assertEquals(new ClipConfig(512, 2048, 12, 8, 77, 49408, 1e-5, "quick_gelu", 49407, 512, 768, 1e-5),
        ClipConfigReader.read(folder.path));
  }

  @Test void nothingInATextIsAControlToken() {
    try (ClipCheckpoint clip = ClipCheckpoint.open(CLIP)) {
      int[] ids = clip.tokenizer().ids("a<|endoftext|> <|startoftext|>b");
      assertEquals(BEGIN, ids[0]);
      assertEquals(END, ids[ids.length - 1]);
      assertEquals(2, IntStream.of(ids).filter(id -> id >= BEGIN).count(), Arrays.toString(ids));
      assertArrayEquals(new int[] {BEGIN, END}, clip.tokenizer().ids(" \n\t"));
      assertThrows(InvalidInputException.class, () -> clip.tokenizer().ids("\ud83d"));
    }
  }

  @Test void anIdBeyondTheEmbeddingIsRefused() throws IOException {
    ModelFolder folder = copy().json("tokenizer.json", json -> ((ObjectNode) json.at("/post_processor")).withArray("sep").set(1, 5000));
    try (ClipCheckpoint clip = ClipCheckpoint.open(folder.path)) {
      InvalidInputException e = assertThrows(InvalidInputException.class, () -> clip.tokenizer().ids("a"));
      assertTrue(e.getMessage().contains("5000") && e.getMessage().contains("624") && e.getMessage().contains("tokenizer.json"),
          e.getMessage());
    }
  }

  @Test void whatIsNoFolderIsRefused() {
    assertRefused(temp.resolve("nowhere"), "nowhere", "not a folder", "openai/clip-vit-large-patch14-336");
    assertRefused(CLIP.resolve("config.json"), "not a folder");
    assertRefused(temp, "config.json", "missing");
  }

  @ParameterizedTest
  @ValueSource(strings = {"llava15-mha-56", "llava-onevision-62"})
  void anotherModelIsRefused(String name) {
    assertRefused(ModelFolder.model(name), "config.json", "model_type", "not 'clip'", "text tower");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"/model_type|\"clip_text_model\"|model_type", "/model_type|7|model_type",
      "/model_type|null|model_type", "/text_config|null|text_config", "/vision_config|null|vision_config", "/text_config|[]|text_config",
      "/projection_dim|0|projection_dim",
      "/projection_dim|24|text_projection.weight", "/text_config/hidden_size|17|text_config.hidden_size",
      "/text_config/hidden_size|32|token_embedding", "/text_config/num_attention_heads|3|heads",
      "/text_config/num_hidden_layers|3|encoder.layers.2", "/text_config/num_hidden_layers|2000000|num_hidden_layers",
      "/text_config/max_position_embeddings|78|position_embedding", "/text_config/max_position_embeddings|-1|max_position_embeddings",
      "/text_config/max_position_embeddings|1000000000|max_position_embeddings", "/text_config/vocab_size|49408|token_embedding",
      "/text_config/hidden_act|\"relu\"|hidden_act", "/text_config/layer_norm_eps|0|layer_norm_eps",
      "/text_config/eos_token_id|[2, 3]|eos_token_id", "/vision_config/hidden_size|1024|post_layernorm"})
  void aConfigThatDoesNotFitIsRefused(String where, String value, String named) throws IOException {
    int cut = where.lastIndexOf('/');
    ModelFolder folder = copy();
    var read = ModelFolder.JSON.readTree(value);
    folder.config(config -> ((ObjectNode) config.at(where.substring(0, cut))).set(where.substring(cut + 1), read));
    assertRefused(folder.path, named);
  }

  @ParameterizedTest
  @ValueSource(strings = {"text_model.embeddings.token_embedding.weight", "text_model.encoder.layers.1.self_attn.q_proj.bias",
      "text_model.final_layer_norm.weight", "text_projection.weight", "visual_projection.weight", "vision_model.post_layernorm.bias"})
  void aMissingTensorIsNamed(String name) throws IOException {
    ModelFolder folder = tensors(tensors -> tensors.remove(name));
    assertRefused(folder.path, name, folder.path.toString(), "incomplete");
  }

  @Test void aTensorOfAnotherShapeOrTypeIsNamed() throws IOException {
    assertRefused(tensors(tensors -> tensors.computeIfPresent("visual_projection.weight", (name, stored) ->
        new ModelFolder.Stored("F32", new long[] {24, 16}, stored.bytes()))).path, "visual_projection.weight", "[24, 16]", "[16, 24]");
    assertRefused(tensors(tensors -> tensors.computeIfPresent("text_projection.weight", (name, stored) ->
        new ModelFolder.Stored("I8", new long[] {16, 16}, new byte[256]))).path, "text_projection.weight", "I8");
  }

  private ModelFolder tensors(Consumer<Map<String, ModelFolder.Stored>> change) throws IOException { return copy().tensors(change); }

  @Test void aFileThatIsCutShortIsRefused() throws IOException {
    byte[] whole = Files.readAllBytes(CLIP.resolve("model.safetensors"));
    for (int length : new int[] {0, 7, 100, whole.length / 2, whole.length - 1}) {
      assertRefused(copy().write("model.safetensors", Arrays.copyOf(whole, length)).path, "model.safetensors");
    }
    assertRefused(copy().delete("model.safetensors").path, "no weights", "model.safetensors");
    assertRefused(copy().write("model.safetensors", "version https://git-lfs.github.com/spec/v1\n".getBytes(StandardCharsets.UTF_8)).path,
        "git lfs pull");
  }

  @Test void aTokenizerThatIsMissingOrDamagedIsRefused() throws IOException {
    assertRefused(copy().delete("tokenizer.json").path, "tokenizer.json", "missing", "save_pretrained");
    assertRefused(copy().write("tokenizer.json", "{".getBytes(StandardCharsets.UTF_8)).path, "tokenizer.json");
    assertRefused(copy().write("tokenizer.json", "{}".getBytes(StandardCharsets.UTF_8)).path, "tokenizer.json", "no usable tokenizer");
    assertRefused(copy().json("tokenizer.json", json -> json.withArray("added_tokens").addObject().put("id", -4)).path, "added_tokens");
  }
}
