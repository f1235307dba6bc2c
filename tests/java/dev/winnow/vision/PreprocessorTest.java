package dev.winnow.vision;

import static dev.winnow.vision.Fixtures.PARITY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.Checkpoint;
import dev.winnow.checkpoint.VisionConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreprocessorTest {
  private static final JsonNode GOLDEN = Fixtures.json(PARITY.resolve("goldens/preprocess/preprocess.json"));

  @Test
  void scalesCropsAndPadsToTheGoldenBytes() {
    int compared = 0;
    for (JsonNode image : GOLDEN.get("images")) {
      RgbImage in = ImageReader.read(PARITY.resolve(image.get("file").asText()));
      for (int side : new int[] {56, 84, 336}) {
        compared += assertSquare(image.get("clip" + side), in, clip(side));
        compared += assertSquare(image.get("pad" + side), in, clip(side).with(Preprocessor.Layout.PADDED));
      }
      if (image.has("exif_upright")) {
        RgbImage upright = ImageReader.read(PARITY.resolve(image.get("file").asText()), ImageReader.Orientation.UPRIGHT);
        compared += assertSquare(image.get("exif_upright").get("clip336"), upright, clip(336));
        compared += assertSquare(image.get("exif_upright").get("pad336"), upright, clip(336).with(Preprocessor.Layout.PADDED));
      }
    }
    assertEquals(14 * 6 + 2, compared);
  }

  private static int assertSquare(JsonNode golden, RgbImage in, Preprocessor preprocessor) {
    if (golden == null) return 0;
    List<RgbImage> tiles = preprocessor.tiles(in);
    assertEquals(1, tiles.size());
    assertEquals(golden.get("crc32").asText(), Fixtures.crc(tiles.get(0)));
    if (golden.has("normalised")) Fixtures.assertSummary(golden.get("normalised"), preprocessor.prepare(in).pixels(), 1e-6, 0);
    return 1;
  }

  @Test
  void tilesToTheGoldenBytes() {
    int compared = 0;
    String[][] kinds = {{"anyres_next_336", "llava-next-vicuna-336"}, {"anyres_next_84", "llava-next-mistral-84"},
      {"anyres_onevision_62", "llava-onevision-62"}};
    for (JsonNode image : GOLDEN.get("images")) {
      RgbImage in = ImageReader.read(PARITY.resolve(image.get("file").asText()));
      for (String[] kind : kinds) {
        JsonNode golden = image.get(kind[0]);
        Preprocessor preprocessor = Preprocessor.load(PARITY.resolve("models").resolve(kind[1]));
        PixelBatch batch = preprocessor.prepare(in);
        assertGrid(golden, "best_resolution_hw", "resized_hw", batch.grid());
        assertEquals(golden.get("grid_rows_cols").get(0).asInt(), batch.grid().rows());
        assertEquals(golden.get("grid_rows_cols").get(1).asInt(), batch.grid().columns());
        List<RgbImage> tiles = preprocessor.tiles(in);
        assertEquals(golden.get("num_tiles_with_base").asInt(), tiles.size());
        assertEquals(tiles.size(), batch.tiles());
        for (int t = 0; t < tiles.size(); t++) assertEquals(golden.get("tile_crc32").get(t).asText(), Fixtures.crc(tiles.get(t)));
        compared++;
      }
    }
    assertEquals(14 * 3, compared);
  }

  @Test
  void choosesTheGoldenGrids() {
    for (JsonNode family : Fixtures.json(PARITY.resolve("goldens/preprocess/anyres_grid.json"))) {
      List<TileGrid.Canvas> canvases = new ArrayList<>();
      for (JsonNode hw : family.get("pinpoints_hw")) canvases.add(new TileGrid.Canvas(hw.get(0).asInt(), hw.get(1).asInt()));
      for (JsonNode row : family.get("rows")) {
        JsonNode size = row.get("size_hw");
        TileGrid grid = TileGrid.of(size.get(1).asInt(), size.get(0).asInt(), canvases, family.get("base_size").asInt());
        assertGrid(row, "best_hw", "resized_hw", grid);
      }
    }
  }

  private static void assertGrid(JsonNode golden, String canvas, String resized, TileGrid grid) {
    assertEquals(golden.get(canvas).get(0).asInt(), grid.height(), golden::toString);
    assertEquals(golden.get(canvas).get(1).asInt(), grid.width(), golden::toString);
    assertEquals(golden.get(resized).get(0).asInt(), grid.resizedHeight(), golden::toString);
    assertEquals(golden.get(resized).get(1).asInt(), grid.resizedWidth(), golden::toString);
    assertEquals(golden.get("pad_top_left").get(0).asInt(), grid.top(), golden::toString);
    assertEquals(golden.get("pad_top_left").get(1).asInt(), grid.left(), golden::toString);
  }

  /** The pixel values that each checkpoint's own processor made, over all cases with one picture or several whole ones. */
  @Test
  void preparesWhatEachCheckpointPrepared() {
    String[] models = {"llava15-mha-56", "llava15-mha-336", "llava-mistral-gqa-84", "llava-tied-rope3-56", "llava-multilayer-full-56",
      "llava-next-mistral-84", "llava-next-vicuna-336", "llava-onevision-62", "llava15-mha-56-orig"};
    for (String model : models) {
      boolean original = model.endsWith("-orig");
      Preprocessor preprocessor = Preprocessor.load(PARITY.resolve("models").resolve(original ? "clip-vit-tiny-patch14-56" : model));
      if (original) preprocessor = preprocessor.with(Preprocessor.Layout.PADDED);
      for (JsonNode golden : Fixtures.json(PARITY.resolve("goldens/models/" + model + ".json")).get("cases")) {
        if (!golden.has("pixel_values")) continue;
        int images = golden.get("images").size();
        Preprocessor used = images > 1 && model.contains("onevision") ? preprocessor.with(Preprocessor.Layout.PADDED) : preprocessor;
        JsonNode summary = golden.get("pixel_values");
        int slots = golden.has("image_num_tiles") ? summary.get("shape").get(1).asInt() : 1;
        float[] all = null;
        for (int i = 0; i < images; i++) {
          PixelBatch batch = used.prepare(ImageReader.read(PARITY.resolve(golden.get("images").get(i).asText())));
          if (golden.has("image_num_tiles")) assertEquals(golden.get("image_num_tiles").get(i).asInt(), batch.tiles());
          int slot = batch.pixels().length / batch.tiles();
          if (all == null) all = new float[images * slots * slot];
          System.arraycopy(batch.pixels(), 0, all, i * slots * slot, batch.pixels().length);
        }
        Fixtures.assertSummary(summary, all, 1e-6, 0);
      }
    }
  }

  /** Frames of a video are prepared one by one, whole, whatever the processor does to pictures. */
  @Test
  void preparesFramesWhole() {
    int compared = 0;
    for (String model : new String[] {"llava-onevision-62", "llava-next-video-112", "video-llava-56"}) {
      Preprocessor preprocessor = Preprocessor.load(PARITY.resolve("models").resolve(model)).with(Preprocessor.Layout.PLAIN);
      for (JsonNode golden : Fixtures.json(PARITY.resolve("goldens/models/" + model + ".json")).get("cases")) {
        if (!golden.has("pixel_values_videos")) continue;
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (JsonNode video : golden.get("videos")) {
          for (JsonNode frame : video) {
            PixelBatch batch = preprocessor.prepare(ImageReader.read(PARITY.resolve(frame.asText())));
            ByteBuffer bytes = ByteBuffer.allocate(batch.pixels().length * 4);
            bytes.asFloatBuffer().put(batch.pixels());
            all.writeBytes(bytes.array());
          }
        }
        float[] pixels = new float[all.size() / 4];
        ByteBuffer.wrap(all.toByteArray()).asFloatBuffer().get(pixels);
        Fixtures.assertSummary(golden.get("pixel_values_videos"), pixels, 1e-6, 0);
        compared++;
      }
    }
    assertTrue(compared >= 9, "videos compared: " + compared);
  }

  @Test
  void refusesAProcessorThatDoesNotFitTheTower() {
    Path folder = PARITY.resolve("models/llava15-mha-336");
    try (Checkpoint checkpoint = Checkpoint.open(PARITY.resolve("models/llava15-mha-56"))) {
      InvalidInputException e = assertThrows(InvalidInputException.class, () -> Preprocessor.load(folder, checkpoint.config()));
      assertTrue(e.getMessage().contains("336x336") && e.getMessage().contains("56x56"), e.getMessage());
    }
  }

  @Test
  void readsNestedAndOldFilesAlike() {
    RgbImage in = Fixtures.gradient(90, 60);
    String expected = Fixtures.crc(Preprocessor.load(PARITY.resolve("models/llava15-mha-56")).tiles(in).get(0));
    assertEquals(expected, Fixtures.crc(Preprocessor.load(PARITY.resolve("models/llava15-mha-56-v5save")).tiles(in).get(0)));
    assertEquals(expected, Fixtures.crc(Preprocessor.load(PARITY.resolve("models/clip-vit-tiny-patch14-56")).tiles(in).get(0)));
    VisionConfig tower = new VisionConfig("clip", 24, 48, 3, 2, 56, 14, 1e-5, "quick_gelu", List.of(2), false);
    assertEquals(expected, Fixtures.crc(Preprocessor.standard(tower).tiles(in).get(0)));
  }

  /** Degenerate shapes become one full tile, in every layout, without axes being confused. */
  @Test
  void preparesThinAndTinyPictures() {
    for (int[] size : new int[][] {{1, 1}, {1, 90}, {90, 1}, {3, 1}, {1, 3}, {31, 4000}, {1, 60_000}, {60_000, 1}}) {
      PixelBatch batch = clip(56).prepare(Fixtures.gradient(size[0], size[1]));
      assertEquals(3 * 56 * 56, batch.pixels().length);
      assertEquals(size[0], batch.imageWidth());
    }
    assertThrows(InvalidInputException.class, () -> clip(56).with(Preprocessor.Layout.PADDED).prepare(Fixtures.gradient(1, 60_000)));
  }

  @Test
  void cropsBeyondThePictureWithBlack() {
    Preprocessor preprocessor = of("{\"do_resize\":false,\"crop_size\":{\"height\":4,\"width\":7}}");
    RgbImage out = preprocessor.tiles(Fixtures.gradient(4, 5)).get(0);
    // five rows: the first is cut (floor of 0.5); four columns in seven: two black on the left, one on the right
    RgbImage in = Fixtures.gradient(4, 5);
    for (int y = 0; y < 4; y++) {
      for (int x = 0; x < 7; x++) assertEquals(x < 2 || x > 5 ? 0 : in.channel(x - 2, y, 2), out.channel(x, y, 2));
    }
  }

  @Test
  void refusesWrongSettingsByName(@TempDir Path folder) throws IOException {
    refused("preprocessor_config.json", folder);
    Files.writeString(folder.resolve("preprocessor_config.json"), "{\"size\": ");
    refused("not valid json", folder);
    Files.writeString(folder.resolve("preprocessor_config.json"), "[]");
    refused("no json object", folder);
    String[][] wrong = {{"{\"size\":{\"shortest_edge\":0}}", "size.shortest_edge"}, {"{\"size\":{\"height\":5}}", "size"},
      {"{\"size\":\"big\"}", "size"}, {"{\"crop_size\":{\"height\":5}}", "crop_size"}, {"{\"image_std\":[1,0,1]}", "image_std"},
      {"{\"image_mean\":[1,2]}", "image_mean"}, {"{\"rescale_factor\":-1}", "rescale_factor"}, {"{\"resample\":0}", "resample"},
      {"{\"resample\":\"bicubic\"}", "resample"}, {"{\"size\":{\"shortest_edge\":5,\"longest_edge\":9}}", "longest_edge"},
      {"{\"do_resize\":\"yes\"}", "do_resize"}, {"{\"image_processor_type\":\"ViltImageProcessor\"}", "Vilt"},
      {"{\"image_processor_type\":\"LlavaNextImageProcessor\"}", "image_grid_pinpoints"},
      {"{\"image_processor_type\":\"LlavaNextImageProcessor\",\"image_grid_pinpoints\":[[224,225]]}", "image_grid_pinpoints"}};
    for (String[] pair : wrong) {
      Files.writeString(folder.resolve("preprocessor_config.json"), pair[0]);
      refused(pair[1], folder);
    }
  }

  private static void refused(String cause, Path folder) {
    InvalidInputException e = assertThrows(InvalidInputException.class, () -> Preprocessor.load(folder), cause);
    assertTrue(e.getMessage().contains(cause) && !e.getMessage().contains("\n"), e.getMessage());
  }

  private static Preprocessor clip(int side) { return of("{\"size\":" + side + ",\"crop_size\":" + side + "}"); }

  private static Preprocessor of(String json) {
    try {
      return Preprocessor.of(new ObjectMapper().readTree(json), "test");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
