package dev.winnow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  @TempDir Path temp;

  @ParameterizedTest
  @ValueSource(strings = {"llava15-mha-56", "llava15-mha-336", "llava-mistral-gqa-84", "llava-tied-rope3-56", "llava-multilayer-full-56",
      "llava15-mha-56-bf16",
      "llava-next-mistral-84", "llava-next-vicuna-336", "llava-next-video-112", "llava-onevision-62", "video-llava-56"})
  void everyTensorHasTheStoredBytes(String name) throws IOException {
    Map<String, ModelFolder.Stored> stored = ModelFolder.readTensors(ModelFolder.model(name).resolve("model.safetensors"));
    try (Checkpoint checkpoint = Checkpoint.open(ModelFolder.model(name)); PointerScope scope = new PointerScope()) {
      Weights weights = checkpoint.weights();
      int compared = 0;
      for (Map.Entry<String, ModelFolder.Stored> entry : stored.entrySet()) {
        String canonical = CanonicalNames.ofHub(entry.getKey());
        assertTrue(weights.has(canonical), entry.getKey());
        Tensor tensor = weights.get(canonical);
        assertEquals(List.of(box(entry.getValue().shape())), List.of(box(tensor.shape())), canonical);
        assertEquals(ByteBuffer.wrap(entry.getValue().bytes()), rawBytes(tensor), canonical);
        compared++;
      }
      assertEquals(weights.names().size(), compared);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llava15-mha-56-sharded", "llava15-mha-56-newkeys", "llava15-mha-56-v5save"})
  void layoutsWithTheSameWeightsGiveTheSameTensors(String name) {
    try (Checkpoint one = Checkpoint.open(ModelFolder.model("llava15-mha-56")); Checkpoint other = Checkpoint.open(ModelFolder.model(name));
        PointerScope scope = new PointerScope()) {
      assertEquals(one.weights().names(), other.weights().names());
      for (String tensor : one.weights().names()) {
        assertEquals(rawBytes(one.weights().get(tensor)), rawBytes(other.weights().get(tensor)), tensor);
      }
      assertEquals(one.config(), other.config());
    }
  }

  @Test void originalLayoutIsTheSameFromSafetensorsAndFromBin() throws IOException {
    try (Checkpoint one = Checkpoint.open(ModelFolder.model("llava15-mha-56-orig")); Checkpoint bin =
        Checkpoint.open(ModelFolder.model("llava15-mha-56-orig-bin"));
        PointerScope scope = new PointerScope()) {
      assertEquals(one.config(), bin.config());
      assertEquals("pad", one.config().aspectRatio());
      assertTrue(one.config().originalLayout());
      assertEquals(-200, one.config().imageTokenId());
      assertEquals(ModelFolder.model("clip-vit-tiny-patch14-56").toAbsolutePath(), one.preprocessorFolder().toAbsolutePath());
      for (String tensor : one.weights().names()) {
        assertEquals(rawBytes(one.weights().get(tensor)), rawBytes(bin.weights().get(tensor)), tensor);
      }
      assertFalse(one.weights().has("decoder.mm_projector.0.weight"));
      assertEquals(ByteBuffer.wrap(ModelFolder.readTensors(ModelFolder.model("clip-vit-tiny-patch14-56").resolve("model.safetensors"))
          .get("vision_model.embeddings.position_embedding.weight").bytes()),
              rawBytes(one.weights().get("vision.embeddings.position_embedding.weight")));
    }
  }

  @Test void tensorsAreViewsOfTheMappingAndNothingIsLeaked() {
    Checkpoint.open(ModelFolder.model("llava15-mha-56")).close();
    long before = Pointer.totalCount();
    try (Checkpoint checkpoint = Checkpoint.open(ModelFolder.model("llava15-mha-56"))) {
      Tensor first;
      try (PointerScope scope = new PointerScope()) {
        first = checkpoint.weights().get("decoder.norm.weight");
        Tensor other = checkpoint.weights().get("decoder.embed_tokens.weight");
        assertEquals(first.storage().data_ptr().get().address(), other.storage().data_ptr().get().address(), "both lie in one mapping");
      }
      assertEquals(32, first.numel(), "a tensor outlives the scope in which it was first asked for");
      assertEquals(first, checkpoint.weights().get("decoder.norm.weight"));
    }
    assertEquals(before, Pointer.totalCount());
  }

  @Test void closedTwiceAndUsedAfterwards() {
    Checkpoint checkpoint = Checkpoint.open(ModelFolder.model("llava15-mha-56"));
    checkpoint.close();
    checkpoint.close();
    assertThrows(IllegalStateException.class, () -> checkpoint.weights().get("decoder.norm.weight"));
  }

  @Test void unalignedTensorsAreCopiedNotRefused() throws IOException {
    ModelFolder folder = ModelFolder.copy("llava15-mha-56", temp);
    byte[] all = folder.bytes("model.safetensors");
    int length = (int) ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).getLong();
    byte[] shifted = new byte[all.length + 1];
    ByteBuffer.wrap(shifted).order(ByteOrder.LITTLE_ENDIAN).putLong(length + 1).put(all, 8, length).put((byte) ' ').put(all, 8 + length,
        all.length - 8 - length);
    folder.write("model.safetensors", shifted);
    try (Checkpoint odd = Checkpoint.open(folder.path); Checkpoint even = Checkpoint.open(ModelFolder.model("llava15-mha-56"));
        PointerScope scope = new PointerScope()) {
      for (String tensor : even.weights().names()) {
        assertEquals(rawBytes(even.weights().get(tensor)), rawBytes(odd.weights().get(tensor)), tensor);
      }
    }
  }

  @Test void foldersWithSpacesAndOtherScriptsOpen() throws IOException {
    Path target = temp.resolve("ä b 猫").resolve("modèle");
    java.nio.file.Files.createDirectories(target.getParent());
    java.nio.file.Files.move(ModelFolder.copy("llava15-mha-56", temp).path, target);
    try (Checkpoint checkpoint = Checkpoint.open(target)) {
      assertEquals(648, checkpoint.weights().get("decoder.embed_tokens.weight").size(0));
    }
  }

  private static Long[] box(long[] values) { return java.util.Arrays.stream(values).boxed().toArray(Long[]::new); }

  private static ByteBuffer rawBytes(Tensor tensor) {
    Tensor bytes = tensor.contiguous().view(torch.ScalarType.Byte).flatten();
    byte[] copy = new byte[(int) bytes.numel()];
    new org.bytedeco.javacpp.BytePointer(bytes.data_ptr()).get(copy);
    return ByteBuffer.wrap(copy);
  }
}
