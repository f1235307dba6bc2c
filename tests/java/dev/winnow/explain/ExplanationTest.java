package dev.winnow.explain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.engine.Model;
import dev.winnow.eval.Variant;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Site;
import dev.winnow.vision.ImageReader;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.RgbImage;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExplanationTest {
  private static final Path PICTURE = TestData.path("pictures/exif1.jpg");

  @TempDir Path folder;

  @Test void aPageHoldsEveryCutAndEscapesWhatTheUserTyped() throws Exception {
    try (Model model = Model.open(TestData.path("parity/models/llava15-mha-56"))) {
      Path page = new Explanation(model, "Is <b>this</b> \"it\" & 猫?", List.of(PICTURE, PICTURE), 4)
          .write(List.of(Variant.parse("pyramiddrop layers=1,2 ratios=0.5,0.25"), Variant.parse("uniform")), OptionalInt.empty(), folder);
      String html = Files.readString(page);
      assertTrue(html.contains("<h1>Is &lt;b&gt;this&lt;/b&gt; &quot;it&quot; &amp; 猫?</h1>"));
      assertFalse(html.contains("<b>this"));
      assertFalse(html.contains("http"));
      try (Stream<Path> files = Files.list(folder)) {
        // two pictures; two cuts of two images with kept and scores; one cut of two images without scores; the page
        assertEquals(2 + 2 * 2 * 2 + 2 + 1, files.count());
      }
      BufferedImage kept = ImageIO.read(folder.resolve("1-pyramiddrop-cut-1-layer-1-image-0-kept.png").toFile());
      assertEquals(336, kept.getWidth());
    }
  }

  /** MustDrop's cache policy leaves the same tokens in several groups of layers: drawn once, with all of them named. */
  @Test void cachesThatAreLeftAlikeAreDrawnOnce() throws Exception {
    try (Model model = Model.open(TestData.path("parity/models/llava15-mha-56"))) {
      Variant variant = Variant.parse("mustdrop merge=off average=8");
      Path page = new Explanation(model, "What is this?", List.of(PICTURE), 2).write(List.of(variant), OptionalInt.empty(), folder);
      String html = Files.readString(page);
      Matcher heading = Pattern.compile("<h3>cache, image 0: (.*)</h3>").matcher(html);
      assertTrue(heading.find());
      assertTrue(heading.group(1).matches("16 to (\\d+) tokens in layer 0, \\d+ to \\1 tokens in layer 1.*"), heading.group(1));
      assertFalse(heading.find(), html.replaceAll("base64,[^\"]*", ""));
    }
  }

  /** What is evicted differs by layer, so the scores of each stand over the tokens that this layer held. */
  @Test void everyLayersCacheIsFollowedByItself() {
    TokenMap map = new TokenMap(4, List.of(new int[] {0}, new int[] {1}, new int[] {2}, new int[] {3}));
    PatchPicture canvas = new PatchPicture(List.of(new RgbImage(2, 2, new byte[2 * 2 * 3])), null, 2);
    Site decode = Site.parse("decode");
    List<CutRecord> cuts = List.of(evicted(decode, 0, 4, new int[] {0, 1}, 9, 8, 1, 2), evicted(decode, 1, 4, new int[] {2, 3}, 1, 2, 9, 8),
        evicted(decode, 0, 2, new int[] {0}, 9, 1), evicted(decode, 1, 2, new int[] {3}, 1, 9));
    List<CutPictures.Drawn> drawn = new CutPictures(List.of(canvas), List.of(map), 2).draw(cuts);
    assertEquals(4, drawn.size());
    for (CutPictures.Drawn cut : drawn) assertNotNull(cut.heat());
    assertEquals(0xDDDDDD, drawn.get(3).heat().getRGB(30, 30) & 0xFFFFFF, "layer 1 lost the first patch before");
    assertNotEquals(0xDDDDDD, drawn.get(3).heat().getRGB(300, 300) & 0xFFFFFF);
  }

  private static CutRecord evicted(Site site, int layer, int before, int[] kept, float... scores) {
    return new CutRecord(site, new int[] {layer}, 0, before, kept, List.of(), Float.NaN, scores, 0);
  }

  @Test void layersInWords() {
    assertEquals("layer 3", ExplainPage.layers(new int[] {3}));
    assertEquals("layers 1 to 3 and 5", ExplainPage.layers(new int[] {1, 2, 3, 5}));
  }

  /** Each picture shows what its own cut left, and scores only of what was there. */
  @Test void cutsBeforeTheDecoderAreDrawnOneByOne() throws Exception {
    Path file = Files.writeString(folder.resolve("chain.json"), """
        { "format": "winnow.plan/1", "cuts": [
          { "site": "vision:0", "reducer": { "name": "tome", "tokens": 12 } },
          { "site": "vision", "reducer": { "name": "fastervlm", "tokens": 8 } },
          { "site": "projected", "reducer": { "name": "divprune", "tokens": 4 } },
          { "site": "layer:2", "scorer": { "name": "last-row-attention" }, "selector": { "name": "top", "tokens": 2 } } ] }
        """);
    Path drawn = Files.createDirectory(folder.resolve("drawn"));
    try (Model model = Model.open(TestData.path("parity/models/llava15-mha-56"))) {
      new Explanation(model, "?", List.of(PICTURE), 2).write(List.of(Variant.plan(file)), OptionalInt.empty(), drawn);
    }
    List<String> names;
    try (Stream<Path> files = Files.list(drawn)) {
      names = files.map(path -> path.getFileName().toString()).filter(name -> name.startsWith("1-")).sorted().toList();
    }
    assertEquals(List.of("1-plan-cut-1-vision-0-image-0-kept.png", "1-plan-cut-1-vision-0-image-0-merges.png",
        "1-plan-cut-2-vision-image-0-kept.png", "1-plan-cut-2-vision-image-0-scores.png", "1-plan-cut-3-projected-image-0-kept.png",
        "1-plan-cut-4-layer-2-image-0-kept.png", "1-plan-cut-4-layer-2-image-0-scores.png"), names);
    List<Integer> inColour = new ArrayList<>();
    for (String name : names) if (name.endsWith("kept.png")) inColour.add(unfaded(ImageIO.read(drawn.resolve(name).toFile())));
    assertEquals(List.of(12, 8, 4, 2), inColour);
    assertEquals(4, grey(ImageIO.read(drawn.resolve(names.get(3)).toFile())), "patches without a score, merged away before");
  }

  /** VisionZip puts its contextual rows behind the dominant ones: a cut in the decoder is drawn by the order in which they entered. */
  @Test void cutsInTheDecoderAreDrawnByTheOrderOfTheRows() {
    PatchPicture canvas = new PatchPicture(List.of(new RgbImage(4, 4, new byte[4 * 4 * 3])), null, 4);
    TokenMap map = new TokenMap(16, IntStream.range(0, 16).mapToObj(patch -> new int[] {patch}).toList());
    CutRecord entered = new CutRecord(Site.parse("vision"), null, 0, 16, 5, new int[] {1, 6, 9, 14}, new int[] {-1, 9, 14, 1, 6}, List.of(),
        Float.NaN, null, 0);
    CutRecord cut = new CutRecord(Site.parse("layer:1"), null, 0, 5, new int[] {0, 3, 4}, List.of(), Float.NaN, new float[] {7, 1, 2, 3, 9}, 0);
    List<CutPictures.Drawn> drawn = new CutPictures(List.of(canvas), List.of(map), 2).draw(List.of(entered, cut));
    assertEquals(Set.of(1, 6, 9, 14), coloured(drawn.get(0).kept(), rgb -> rgb == 0));
    assertEquals(Set.of(1, 6), coloured(drawn.get(1).kept(), rgb -> rgb == 0));
    assertEquals(Set.of(1, 6, 9, 14), coloured(drawn.get(1).heat(), rgb -> rgb != 0xDDDDDD), "the row that stands for none has no place");
  }

  /** Patches of a picture of 4 x 4 whose centre has such a colour. */
  private static Set<Integer> coloured(BufferedImage image, IntPredicate wanted) {
    int side = image.getWidth() / 4;
    return IntStream.range(0, 16).filter(i -> wanted.test(image.getRGB(side / 2 + i % 4 * side, side / 2 + i / 4 * side) & 0xFFFFFF)).boxed()
        .collect(Collectors.toSet());
  }

  /** Patches of a drawn picture, 84 pixels each, whose centre is not faded to a light grey. */
  private static int unfaded(BufferedImage image) { return patches(image, rgb -> (rgb & 255) < 205 || (rgb >> 16 & 255) != (rgb & 255)); }

  private static int grey(BufferedImage image) { return patches(image, rgb -> (rgb & 0xFFFFFF) == 0xDDDDDD); }

  private static int patches(BufferedImage image, IntPredicate wanted) {
    return (int) IntStream.range(0, 16).filter(i -> wanted.test(image.getRGB(42 + i % 4 * 84, 42 + i / 4 * 84))).count();
  }

  @Test void nothingToExplainWithoutAPicture() {
    try (Model model = Model.open(TestData.path("parity/models/llava15-mha-56"))) {
      assertThrows(InvalidInputException.class, () -> new Explanation(model, "?", List.of(), 4));
    }
  }

  @Test void tokensOfTilesShowThePatchesThatTheyAreMadeOf() {
    try (Model model = Model.open(TestData.path("parity/models/llava-next-mistral-84"))) {
      RgbImage image = ImageReader.read(PICTURE);
      PixelBatch pixels = model.images().prepare(image, false);
      TokenMap map = TokenMap.of(pixels, model.config());
      int side = model.config().vision().grid();
      assertEquals(pixels.tiles() * side * side, map.count());
      assertEquals(pixels.tiles(), model.images().tiles(image, false).size());
      BitSet shown = map.shown(IntStream.range(0, map.patches().size()).toArray());
      for (int patch = 0; patch < side * side; patch++) assertEquals(patch, map.patches().get(patch)[0]);
      assertTrue(shown.length() <= map.count());
      assertEquals(0, map.patches().get(map.patches().size() - 1).length, "the last token is a newline");
    }
  }

  @Test void patchesAreFadedAndColouredInTheirPlaces() {
    byte[] rgb = new byte[4 * 4 * 3];
    Arrays.fill(rgb, (byte) 10);
    PatchPicture canvas = new PatchPicture(List.of(new RgbImage(4, 4, rgb)), null, 2);
    BitSet kept = new BitSet();
    kept.set(1);
    BufferedImage picture = canvas.kept(kept);
    assertEquals(336, picture.getWidth());
    assertEquals(0x0A0A0A, picture.getRGB(300, 30) & 0xFFFFFF);
    assertTrue((picture.getRGB(30, 30) & 0xFF) > 200);
    assertTrue((picture.getRGB(300, 300) & 0xFF) > 200);
    BufferedImage heat = canvas.heat(new float[] {0, 1, Float.NaN, 0.5f});
    assertEquals(0xDDDDDD, heat.getRGB(30, 300) & 0xFFFFFF);
    assertTrue((heat.getRGB(300, 30) >> 8 & 0xFF) > (heat.getRGB(30, 30) >> 8 & 0xFF), "higher scores are lighter");
    canvas.heat(new float[] {Float.NaN, Float.NaN, Float.NEGATIVE_INFINITY, Float.NaN});
    canvas.heat(new float[] {3, 3, 3, 3});
  }

  @Test void scoresOfTokensBecomeScoresOfPatches() {
    TokenMap map = new TokenMap(4, List.of(new int[] {0}, new int[] {1, 2}, new int[] {}, new int[] {2}));
    float[] spread = map.spread(new int[] {0, 1, 2, 3}, new float[] {5, 1, 9, 2});
    assertEquals(5, spread[0]);
    assertEquals(1, spread[1]);
    assertEquals(2, spread[2]);
    assertTrue(Float.isNaN(spread[3]));
    assertEquals(0, map.entering(new int[] {3, -1}).patches().get(1).length);
  }
}
