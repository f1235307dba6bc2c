package dev.winnow.vision;

import static dev.winnow.vision.Fixtures.PARITY;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.Checkpoint;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.VisionConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AnyresPackingTest {
  private static final Device CPU = new Device("cpu");

  @Test
  void mapsHaveTheGoldenSizes() {
    int compared = 0;
    for (JsonNode family : Fixtures.json(PARITY.resolve("goldens/preprocess/anyres_grid.json"))) {
      List<TileGrid.Canvas> canvases = new ArrayList<>();
      for (JsonNode hw : family.get("pinpoints_hw")) canvases.add(new TileGrid.Canvas(hw.get(0).asInt(), hw.get(1).asInt()));
      for (JsonNode row : family.get("rows")) {
        int height = row.get("size_hw").get(0).asInt();
        int width = row.get("size_hw").get(1).asInt();
        TileGrid grid = TileGrid.of(width, height, canvases, family.get("base_size").asInt());
        int side = family.get("patches_per_side").asInt();
        AnyresPacking packing = AnyresPacking.tiled(grid, width, height, side, family.get("max_tiles").asInt(0));
        assertEquals(row.get("tokens").asInt(), packing.tokens(), row::toString);
        assertEquals(row.get("final_hw").get(0).asInt(), packing.mapHeight(), row::toString);
        assertEquals(row.get("final_hw").get(1).asInt(), packing.mapWidth(), row::toString);
        assertSound(packing, (grid.rows() * grid.columns() + 1) * packing.baseTokens());
        compared++;
      }
    }
    assertEquals(120, compared);
  }

  /** Sources exist, a newline ends each row of the map and stands nowhere else, and a selection uses no feature twice. */
  private static void assertSound(AnyresPacking packing, int features) {
    boolean[] used = new boolean[features];
    for (int t = 0; t < packing.tokens(); t++) {
      int inMap = t - packing.baseTokens();
      boolean rowEnd = inMap >= 0 && inMap % (packing.mapWidth() + 1) == packing.mapWidth();
      assertEquals(rowEnd, packing.isNewline(t));
      for (int source : packing.sources(t)) {
        if (source == AnyresPacking.NEWLINE) continue;
        assertTrue(source >= 0 && source < features);
        if (packing.isSelection()) assertFalse(used[source]);
        used[source] = true;
      }
    }
  }

  /** From picture files to the rows that replace the placeholders, over every picture case. */
  @ParameterizedTest
  @ValueSource(strings = {"llava15-mha-56", "llava-multilayer-full-56", "llava-next-mistral-84", "llava-next-vicuna-336",
    "llava-onevision-62"})
  void packsTheReferenceFeatures(String model) {
    int compared = 0;
    try (Checkpoint checkpoint = Checkpoint.open(PARITY.resolve("models").resolve(model));
        VisionTower tower = new VisionTower(checkpoint.config().vision(), checkpoint.weights(), ScalarType.Float, CPU);
        Projector projector = new Projector(checkpoint.config(), checkpoint.weights(), ScalarType.Float, CPU)) {
      Preprocessor preprocessor = Preprocessor.load(checkpoint.preprocessorFolder(), checkpoint.config());
      Tensor newline = checkpoint.weights().has("image_newline") ? checkpoint.weights().get("image_newline") : null;
      for (JsonNode golden : Fixtures.json(PARITY.resolve("goldens/models/" + model + ".json")).get("cases")) {
        if (!golden.has("image_features")) continue;
        int images = golden.get("images").size();
        boolean whole = images > 1 && checkpoint.config().family().equals("llava_onevision");
        float[] all = new float[0];
        for (int i = 0; i < images; i++) {
          RgbImage image = ImageReader.read(PARITY.resolve(golden.get("images").get(i).asText()));
          PixelBatch batch = (whole ? preprocessor.with(Preprocessor.Layout.PADDED) : preprocessor).prepare(image);
          AnyresPacking packing = AnyresPacking.of(batch, checkpoint.config());
          assertEquals(golden.get("image_feature_lengths").get(i).asInt(), packing.tokens());
          try (Tensor features = tower.encode(batch, VisionObserver.NONE);
              Tensor projected = projector.project(features);
              Tensor packed = packing.apply(projected, newline)) {
            float[] rows = Fixtures.floats(packed);
            int before = all.length;
            all = Arrays.copyOf(all, before + rows.length);
            System.arraycopy(rows, 0, all, before, rows.length);
          }
        }
        Fixtures.assertSummary(golden.get("image_features"), all, 2e-4, 1e-4);
        compared++;
      }
    }
    assertTrue(compared >= 1, "cases of " + model + ": " + compared);
  }

  @Test
  void refusesWhatCannotBeLaidOut() {
    try (Checkpoint checkpoint = Checkpoint.open(PARITY.resolve("models/llava-next-mistral-84"))) {
      ModelConfig c = checkpoint.config();
      PixelBatch batch = Preprocessor.load(checkpoint.preprocessorFolder(), c).prepare(Fixtures.gradient(100, 50));
      VisionConfig v = c.vision();
      VisionConfig full = new VisionConfig(v.kind(), v.hidden(), v.intermediate(), v.layers(), v.heads(), v.imageSize(), v.patchSize(),
          v.layerNormEps(), v.activation(), v.featureLayers(), true);
      assertThrows(InvalidInputException.class, () -> AnyresPacking.of(batch, with(c, full, c.aspectRatio())));
      for (String aspect : new String[] {"anyres_max_", "anyres_max_0", "anyres_max_x", "anyres_max_99999999999"}) {
        assertThrows(InvalidInputException.class, () -> AnyresPacking.of(batch, with(c, v, aspect)));
      }
      assertTrue(AnyresPacking.of(batch, with(c, v, "anyres_max_1")).tokens() < AnyresPacking.of(batch, c).tokens());
    }
  }

  private static ModelConfig with(ModelConfig c, VisionConfig vision, String aspect) {
    return new ModelConfig(c.family(), c.originalLayout(), c.dtype(), c.text(), vision, c.projectorActivation(), c.projectorBias(),
        c.imageTokenId(), c.videoTokenId(), c.videoPoolStride(), c.eosIds(), aspect, c.gridPinpoints());
  }

  @Test
  void onePictureOnOneTileIsKeptInOrder() {
    AnyresPacking plain = AnyresPacking.whole(16, false);
    assertEquals(16, plain.tokens());
    assertArrayEquals(new int[] {15}, plain.sources(15));
    AnyresPacking closed = AnyresPacking.whole(16, true);
    assertEquals(17, closed.tokens());
    assertTrue(closed.isNewline(16));
  }
}
