package dev.winnow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WeightRefusalTest {
  private static final String INDEX = "model.safetensors.index.json";
  private static final String Q = "language_model.model.layers.1.self_attn.q_proj.weight";

  @TempDir Path temp;

  private ModelFolder base() { return ModelFolder.copy("llava15-mha-56", temp); }

  private static void assertRefused(ModelFolder folder, String... parts) {
    long before = Pointer.totalCount();
    InvalidInputException refusal = assertThrows(InvalidInputException.class, () -> Checkpoint.open(folder.path).close());
    for (String part : parts) assertTrue(refusal.getMessage().contains(part), refusal.getMessage());
    assertFalse(refusal.getMessage().contains("\n"), refusal.getMessage());
    assertEquals(before, Pointer.totalCount(), "a refused checkpoint leaves nothing mapped");
  }

  private static void assertOpens(ModelFolder folder) { Checkpoint.open(folder.path).close(); }

  @Test void aMissingShardIsNamed() throws IOException {
    assertRefused(ModelFolder.copy("llava15-mha-56-sharded", temp).delete("model-00002-of-00003.safetensors"),
        "model-00002-of-00003.safetensors", "missing");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../x.safetensors", "/etc/passwd", "a/../../x.safetensors", "..", ".", "", "a\\b.safetensors", "\u0000",
      "./model-00001-of-00003.safetensors"})
  void anIndexCannotNameFilesOutsideTheFolder(String name) throws IOException {
    ModelFolder folder = ModelFolder.copy("llava15-mha-56-sharded", temp);
    folder.json(INDEX, json -> ((ObjectNode) json.get("weight_map")).put(Q, name));
    Files.copy(folder.path.resolve("model-00001-of-00003.safetensors"), folder.path.resolveSibling("x.safetensors"));
    assertRefused(folder, "weight_map", "not inside");
  }

  @Test void anIndexThatContradictsTheShardsIsRefused() {
    ModelFolder folder = ModelFolder.copy("llava15-mha-56-sharded", temp);
    folder.json(INDEX, json -> ((ObjectNode) json.get("weight_map")).put("language_model.lm_head.weight",
        "model-00002-of-00003.safetensors"));
    assertRefused(folder, "language_model.lm_head.weight", "model-00002-of-00003.safetensors");
    assertRefused(ModelFolder.copy("llava15-mha-56-sharded", temp).json(INDEX, json -> json.remove("weight_map")), "weight_map");
    assertRefused(ModelFolder.copy("llava15-mha-56-sharded", temp).json(INDEX, json -> ((ObjectNode) json.get("weight_map")).put(Q, 3)),
        "weight_map", Q);
    assertRefused(ModelFolder.copy("llava15-mha-56-sharded", temp).json(INDEX, json -> ((ObjectNode) json.get("weight_map")).remove(Q)),
        "decoder.layers.1.self_attn.q_proj.weight");
  }

  @Test void anAbsentHeadIsRefusedUnlessTied() throws IOException {
    ModelFolder folder = base().tensors(tensors -> tensors.remove("language_model.lm_head.weight"));
    assertRefused(folder, "lm_head.weight", "tie_word_embeddings");
    assertOpens(folder.config(json -> ((ObjectNode) json.get("text_config")).put("tie_word_embeddings", true)));
  }

  @Test void everyTensorThatIsUsedMustBeThere() throws IOException {
    for (String name : new String[] {Q, "language_model.model.norm.weight", "vision_tower.vision_model.pre_layrnorm.bias",
        "multi_modal_projector.linear_2.bias",
        "vision_tower.vision_model.encoder.layers.1.mlp.fc1.bias"}) {
      assertRefused(base().tensors(tensors -> tensors.remove(name)), name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1)),
          "lacks");
    }
    assertOpens(base().tensors(tensors -> tensors.keySet().removeIf(name -> name.contains("post_layernorm")
        || name.contains("vision_model.encoder.layers.2."))));
  }

  @Test void shapesMustFitTheConfig() {
    assertRefused(base().config(json -> ((ObjectNode) json.get("text_config")).put("vocab_size", 649)), "embed_tokens", "[649, 32]",
        "[648, 32]");
    assertRefused(base().config(json -> ((ObjectNode) json.get("text_config")).put("num_key_value_heads", 1)), "k_proj");
    assertRefused(base().config(json -> ((ObjectNode) json.get("text_config")).put("num_hidden_layers", 5)), "layers.4.");
    assertRefused(base().config(json -> ((ObjectNode) json.get("vision_config")).put("image_size", 70)), "position_embedding");
    assertRefused(base().config(json -> json.set("vision_feature_layer", json.arrayNode().add(-2).add(-1))), "linear_1");
  }

  @Test void packedAndUnknownTypesAreRefusedWhereTheyAreUsed() throws IOException {
    assertRefused(base().tensors(tensors -> {
      ModelFolder.Stored q = tensors.remove(Q);
      tensors.put(Q.replace(".weight", ".qweight"), new ModelFolder.Stored("I32", q.shape(), q.bytes()));
    }), "qweight", "I32");
    for (String type : new String[] {"F8_E4M3", "F64", "I8", "F4"}) {
      assertRefused(base().tensors(tensors -> retype(tensors, Q, type)), Q, type);
      assertOpens(base().tensors(tensors -> retype(tensors, "vision_tower.vision_model.post_layernorm.weight", type)));
    }
  }

  private static void retype(java.util.Map<String, ModelFolder.Stored> tensors, String name, String type) {
    long[] shape = tensors.get(name).shape();
    tensors.put(name, new ModelFolder.Stored(type, shape,
        new byte[(int) TensorInfo.elements(shape) * Math.max(1, TensorInfo.elementBytes(type))]));
  }

  @Test void dtypesMayBeMixed() throws IOException {
    ModelFolder mixed = ModelFolder.copy("llava15-mha-56-bf16", temp).tensors(tensors -> tensors.replaceAll((name, stored) ->
        name.contains("norm") || name.endsWith(".bias") ? widened(stored) : stored));
    try (Checkpoint checkpoint = Checkpoint.open(mixed.path)) {
      assertEquals("bfloat16", checkpoint.config().dtype());
      assertEquals(torch.ScalarType.Float, checkpoint.weights().get("decoder.norm.weight").scalar_type().intern());
      assertEquals(torch.ScalarType.BFloat16, checkpoint.weights().get("decoder.layers.0.self_attn.q_proj.weight").scalar_type().intern());
    }
  }

  private static ModelFolder.Stored widened(ModelFolder.Stored stored) {
    ByteBuffer from = ByteBuffer.wrap(stored.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer to = ByteBuffer.allocate(stored.bytes().length * 2).order(ByteOrder.LITTLE_ENDIAN);
    while (from.hasRemaining()) to.putInt(from.getShort() << 16);
    return new ModelFolder.Stored("F32", stored.shape(), to.array());
  }

  @Test void oneTensorUnderTwoNamesIsRefused() throws IOException {
    assertRefused(base().tensors(tensors -> tensors.put("lm_head.weight", tensors.get("language_model.lm_head.weight"))), "lm_head.weight",
        "language_model.lm_head.weight");
  }

  @Test void dtypeComesFromTheWeightsIfNoFileSaysIt() {
    ModelFolder folder = ModelFolder.copy("llava15-mha-56-bf16", temp).config(json -> {
      json.remove("torch_dtype");
      ((ObjectNode) json.get("text_config")).remove("torch_dtype");
    });
    try (Checkpoint checkpoint = Checkpoint.open(folder.path)) {
      assertEquals("bfloat16", checkpoint.config().dtype());
    }
  }

  @Test void pointersToWeightsAreRecognised() throws IOException {
    byte[] pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 442576\n".getBytes(StandardCharsets.UTF_8);
    assertRefused(base().write("model.safetensors", pointer), "git lfs pull");
  }

  @Test void foldersThatAreNoModelAreNamed() throws IOException {
    ModelFolder folder = base();
    assertRefused(folder.delete("model.safetensors"), "no weights");
    assertRefused(folder.delete("config.json"), "config.json", "missing");
    assertThrows(InvalidInputException.class, () -> Checkpoint.open(temp.resolve("nowhere")));
    assertThrows(InvalidInputException.class, () -> Checkpoint.open(folder.path.resolve("tokenizer.json")));
  }

  @Test void aMissingOrDamagedTokenizerIsReportedWhenItIsAskedFor() throws IOException {
    ModelFolder folder = base().delete("tokenizer.json");
    try (Checkpoint checkpoint = Checkpoint.open(folder.path)) {
      assertTrue(assertThrows(InvalidInputException.class, checkpoint::tokenizer).getMessage().contains("tokenizer.json is missing"));
    }
    for (String text : new String[] {"{}", "{\"model\":{}}",
        "{\"added_tokens\":[],\"model\":{\"type\":\"BPE\",\"vocab\":[1],\"merges\":[\"a\"]}}"}) {
      folder.write("tokenizer.json", text.getBytes(StandardCharsets.UTF_8));
      try (Checkpoint checkpoint = Checkpoint.open(folder.path)) {
        InvalidInputException refusal = assertThrows(InvalidInputException.class, checkpoint::tokenizer);
        assertTrue(refusal.getMessage().contains("tokenizer.json") && !refusal.getMessage().contains("\n"), refusal.getMessage());
      }
    }
  }

  @Test void aFileThatChangesWhileItIsOpenIsNoticed() throws IOException {
    ModelFolder folder = base();
    try (Checkpoint checkpoint = Checkpoint.open(folder.path)) {
      checkpoint.checkUnchanged();
      Files.setLastModifiedTime(folder.path.resolve("model.safetensors"), java.nio.file.attribute.FileTime.fromMillis(0));
      assertTrue(assertThrows(InvalidInputException.class, checkpoint::checkUnchanged).getMessage().contains("changed"));
    }
  }
}
