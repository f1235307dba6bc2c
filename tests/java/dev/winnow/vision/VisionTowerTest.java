package dev.winnow.vision;

import static dev.winnow.vision.Fixtures.PARITY;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import dev.winnow.checkpoint.Checkpoint;
import dev.winnow.checkpoint.VisionConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VisionTowerTest {
  private static final Device CPU = new Device("cpu");

  /** Hidden states of every block, features, projector output and class attention of all picture cases of a checkpoint. */
  @ParameterizedTest
  @ValueSource(strings = {"llava15-mha-56", "llava15-mha-336", "llava-mistral-gqa-84", "llava-tied-rope3-56", "llava-multilayer-full-56",
    "llava-next-mistral-84", "llava-next-vicuna-336", "llava-onevision-62", "llava15-mha-56-orig"})
  void computesWhatTheReferenceComputes(String model) {
    int compared = 0;
    try (Checkpoint checkpoint = Checkpoint.open(PARITY.resolve("models").resolve(model));
        VisionTower tower = new VisionTower(checkpoint.config().vision(), checkpoint.weights(), ScalarType.Float, CPU);
        VisionTower every = new VisionTower(everyLayer(checkpoint.config().vision()), checkpoint.weights(), ScalarType.Float, CPU);
        Projector projector = new Projector(checkpoint.config(), checkpoint.weights(), ScalarType.Float, CPU)) {
      Preprocessor preprocessor = Preprocessor.load(checkpoint.preprocessorFolder(), checkpoint.config());
      for (JsonNode golden : Fixtures.json(PARITY.resolve("goldens/models/" + model + ".json")).get("cases")) {
        if (!golden.has("image_tower_layers")) continue;
        PixelBatch batch = stack(preprocessor, golden, model.contains("onevision"));
        assertStates(golden.get("image_tower_layers"), every, batch);
        Rows rows = new Rows(golden.path("image_cls_attn_block").asInt(-1));
        Tensor features = tower.encode(batch, rows);
        Tensor projected = projector.project(features);
        Fixtures.assertSummary(golden.get("image_vision_hidden"), Fixtures.floats(features), 2e-4, 1e-4);
        Fixtures.assertSummary(golden.get("image_projector"), Fixtures.floats(projected), 2e-4, 1e-4);
        String stored = golden.get("id").asText() + "/image_cls_attn";
        float[] attention = Fixtures.stored(PARITY.resolve("goldens/models/" + model + ".safetensors"), stored);
        if (attention != null) assertArrayEquals(attention, rows.classRow, 5e-5f);
        assertEquals(attention != null, rows.classRow != null);
        features.close();
        projected.close();
        compared++;
      }
    }
    assertTrue(compared >= 1, "cases of " + model + ": " + compared);
  }

  /** All pictures of a case, tile by tile: the order in which the reference's tower sees them. */
  private static PixelBatch stack(Preprocessor preprocessor, JsonNode golden, boolean wholeIfSeveral) {
    boolean whole = wholeIfSeveral && golden.get("images").size() > 1;
    List<PixelBatch> batches = new ArrayList<>();
    for (JsonNode file : golden.get("images")) {
      RgbImage image = ImageReader.read(PARITY.resolve(file.asText()));
      batches.add((whole ? preprocessor.with(Preprocessor.Layout.PADDED) : preprocessor).prepare(image));
    }
    int tiles = batches.stream().mapToInt(PixelBatch::tiles).sum();
    PixelBatch first = batches.get(0);
    float[] pixels = new float[tiles * 3 * first.height() * first.width()];
    int at = 0;
    for (PixelBatch batch : batches) {
      System.arraycopy(batch.pixels(), 0, pixels, at, batch.pixels().length);
      at += batch.pixels().length;
    }
    return new PixelBatch(pixels, tiles, first.height(), first.width(), first.imageWidth(), first.imageHeight(), first.grid());
  }

  private static VisionConfig everyLayer(VisionConfig c) { return with(c, IntStream.rangeClosed(0, c.layers()).boxed().toList(), true); }

  private static VisionConfig with(VisionConfig c, List<Integer> layers, boolean keepClass) {
    return new VisionConfig(c.kind(), c.hidden(), c.intermediate(), c.layers(), c.heads(), c.imageSize(), c.patchSize(), c.layerNormEps(),
        c.activation(), layers, keepClass);
  }

  private static void assertStates(JsonNode golden, VisionTower tower, PixelBatch batch) {
    try (Tensor all = tower.encode(batch, VisionObserver.NONE)) {
      int width = tower.config().hidden();
      float[] values = Fixtures.floats(all);
      int layers = golden.size();
      assertEquals(tower.config().layers() + 1, layers);
      float[] one = new float[values.length / layers];
      for (int layer = 0; layer < layers; layer++) {
        for (int row = 0; row < one.length / width; row++) {
          System.arraycopy(values, (row * layers + layer) * width, one, row * width, width);
        }
        Fixtures.assertSummary(golden.get(layer), one, 1e-4, 1e-4);
      }
    }
  }

  /** Attention of the class token of the first tile, softmax per head, from the projections that the tower hands over. */
  private static class Rows implements VisionObserver {
    private final int block;
    private float[] classRow;
    private int projected;

    Rows(int block) { this.block = block; }

    @Override public int deepestBlock() { return block; }

    @Override
    public void projections(int at, Tensor query, Tensor key, Tensor value) {
      projected++;
      if (at != block) return;
      Tensor logits = query.narrow(0, 0, 1).narrow(2, 0, 1).matmul(key.narrow(0, 0, 1).transpose(2, 3));
      classRow = Fixtures.floats(logits.mul(new Scalar(Math.pow(query.size(3), -0.5))).softmax(-1));
    }
  }

  @Test
  void runsOnlyTheBlocksThatAreNeeded() {
    onSmallTower(List.of(0), (tower, pixels) -> {
      Rows rows = new Rows(-1);
      tower.encode(pixels, rows).close();
      assertEquals(0, rows.projected);
    });
    onSmallTower(List.of(2), (tower, pixels) -> {
      List<Integer> finished = new ArrayList<>();
      Rows rows = new Rows(2) {
        @Override public Tensor afterBlock(int block, Tensor hidden) {
          finished.add(block);
          return hidden;
        }
      };
      tower.encode(pixels, rows).close();
      assertEquals(List.of(0, 1), finished);
      assertEquals(3, rows.projected);
      assertEquals(2 * 17, rows.classRow.length);
    });
  }

  /** Case E11: offsets from both ends and repeats name the same hidden states. */
  @Test
  void selectsRepeatedLayersAndTheEmbedding() {
    float[] second = onSmallTower(List.of(2), (tower, pixels) -> { });
    float[] twice = onSmallTower(List.of(2, 2), (tower, pixels) -> { });
    for (int row = 0; row < 16; row++) {
      for (int c = 0; c < 24; c++) {
        assertEquals(second[row * 24 + c], twice[row * 48 + c]);
        assertEquals(second[row * 24 + c], twice[row * 48 + 24 + c]);
      }
    }
    assertEquals(16 * 24, onSmallTower(List.of(0), (tower, pixels) -> { }).length);
  }

  /** Replacing hidden states by equal ones changes nothing; fewer rows flow through to the features, class token first. */
  @Test
  void observersMayMergeTokens() {
    float[] plain = onSmallTower(List.of(2), (tower, pixels) -> { });
    onSmallTower(List.of(2), (tower, pixels) -> {
      VisionObserver copies = new VisionObserver() {
        @Override public Tensor afterAttention(int block, Tensor hidden) { return hidden.clone(); }

        @Override public Tensor afterBlock(int block, Tensor hidden) { return hidden.clone(); }
      };
      try (Tensor same = tower.encode(pixels, copies)) {
        assertArrayEquals(plain, Fixtures.floats(same));
      }
      VisionObserver merging = new VisionObserver() {
        @Override public Tensor afterBlock(int block, Tensor hidden) {
          return block == 0 ? torch.cat(new TensorVector(hidden.narrow(1, 0, 5), hidden.narrow(1, 9, 2)), 1) : hidden;
        }
      };
      try (Tensor merged = tower.encode(pixels, merging)) {
        assertArrayEquals(new long[] {1, 6, 24}, merged.sizes().vec().get());
      }
      VisionObserver zeroBias = new VisionObserver() {
        @Override public Tensor attentionBias(int block) { return torch.zeros(1, 1, 1, 17); }
      };
      try (Tensor biased = tower.encode(pixels, zeroBias)) {
        assertArrayEquals(plain, Fixtures.floats(biased), 1e-5f);
      }
    });
    onSmallTower(List.of(0, 2), (tower, pixels) -> {
      VisionObserver merging = new VisionObserver() {
        @Override public Tensor afterBlock(int block, Tensor hidden) { return hidden.narrow(1, 0, 9); }
      };
      assertThrows(InvalidInputException.class, () -> tower.encode(pixels, merging));
    });
  }

  /** A key whose bias is minus infinity takes no part: the rest attends as if it were not there. */
  @Test
  void attentionBiasReachesTheLogits() {
    onSmallTower(List.of(1), (tower, pixels) -> {
      VisionObserver hideLast = new VisionObserver() {
        @Override public Tensor attentionBias(int block) {
          Tensor hidden = torch.full(new long[] {1, 1, 1, 1}, new Scalar(Double.NEGATIVE_INFINITY));
          return torch.cat(new TensorVector(torch.zeros(1, 1, 1, 16), hidden), 3);
        }
      };
      VisionObserver dropLast = new VisionObserver() {
        @Override public Tensor afterEmbedding(Tensor hidden) { return hidden.narrow(1, 0, 16); }
      };
      try (Tensor hidden = tower.encode(pixels, hideLast); Tensor dropped = tower.encode(pixels, dropLast)) {
        float[] expected = Fixtures.floats(dropped);
        float[] actual = Arrays.copyOf(Fixtures.floats(hidden), expected.length);
        assertArrayEquals(expected, actual, 1e-5f);
      }
    });
  }

  @ParameterizedTest
  @ValueSource(strings = {"BFloat16", "Half"})
  void halfPrecisionStaysNearFloat(String dtype) {
    float[] expected = onSmallTower(List.of(2), (tower, pixels) -> { });
    try (Checkpoint checkpoint = Checkpoint.open(PARITY.resolve("models/llava15-mha-56-bf16"));
        VisionTower tower = new VisionTower(checkpoint.config().vision(), checkpoint.weights(), ScalarType.valueOf(dtype), CPU);
        Tensor features = tower.encode(pixels(), VisionObserver.NONE)) {
      assertEquals(ScalarType.valueOf(dtype), features.scalar_type().intern());
      float[] actual = Fixtures.floats(features);
      double dot = 0;
      double a = 0;
      double b = 0;
      for (int i = 0; i < actual.length; i++) {
        dot += (double) actual[i] * expected[i];
        a += (double) actual[i] * actual[i];
        b += (double) expected[i] * expected[i];
      }
      assertTrue(dot / Math.sqrt(a * b) > 0.999, "cosine " + dot / Math.sqrt(a * b));
    }
  }

  @Test
  void refusesWrongPixelsBlocksAndUseAfterClose() {
    onSmallTower(List.of(2), (tower, pixels) -> {
      PixelBatch wrong = new PixelBatch(new float[3 * 28 * 28], 1, 28, 28, 1, 1, null);
      assertThrows(InvalidInputException.class, () -> tower.encode(wrong, VisionObserver.NONE));
      assertThrows(InvalidInputException.class, () -> tower.encode(pixels, new Rows(3)));
      tower.close();
      assertThrows(WinnowException.class, () -> tower.encode(pixels, VisionObserver.NONE));
    });
    try (Checkpoint checkpoint = Checkpoint.open(PARITY.resolve("models/llava15-mha-56"))) {
      VisionConfig c = checkpoint.config().vision();
      VisionConfig wider = new VisionConfig(c.kind(), 48, 48, 3, 2, 56, 14, 1e-5, "quick_gelu", List.of(2), false);
      InvalidInputException e = assertThrows(InvalidInputException.class,
          () -> new VisionTower(wider, checkpoint.weights(), ScalarType.Float, CPU));
      assertTrue(e.getMessage().contains("vision.embeddings.patch_embedding.weight"), e.getMessage());
    }
  }

  @Test
  void leavesNoNativeObjectsBehind() {
    Runnable round = () -> onSmallTower(List.of(1, 2), (tower, pixels) -> tower.encode(pixels, new Rows(2)).close());
    round.run();
    long before = Pointer.totalCount();
    for (int i = 0; i < 5; i++) round.run();
    assertEquals(before, Pointer.totalCount());
  }

  @Test
  void threadsShareATower() {
    float[] expected = onSmallTower(List.of(2), (tower, pixels) -> { });
    onSmallTower(List.of(2), (tower, pixels) -> IntStream.range(0, 40).parallel().forEach(i -> {
      try (Tensor features = tower.encode(pixels, VisionObserver.NONE)) {
        assertArrayEquals(expected, Fixtures.floats(features));
      }
    }));
  }

  private interface Use {
    void of(VisionTower tower, PixelBatch pixels);
  }

  private static PixelBatch pixels() {
    return Preprocessor.load(PARITY.resolve("models/llava15-mha-56")).prepare(Fixtures.gradient(90, 60));
  }

  /** Opens the small CLIP tower with other feature layers, lets the test use it, and returns the plain features. */
  private static float[] onSmallTower(List<Integer> layers, Use use) {
    PixelBatch pixels = pixels();
    try (Checkpoint checkpoint = Checkpoint.open(PARITY.resolve("models/llava15-mha-56"));
        VisionTower tower = new VisionTower(with(checkpoint.config().vision(), layers, false), checkpoint.weights(), ScalarType.Float, CPU);
        PointerScope scope = new PointerScope()) {
      float[] plain;
      try (Tensor features = tower.encode(pixels, VisionObserver.NONE)) {
        plain = Fixtures.floats(features);
      }
      use.of(tower, pixels);
      return plain;
    }
  }
}
