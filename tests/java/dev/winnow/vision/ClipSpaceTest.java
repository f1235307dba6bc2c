package dev.winnow.vision;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InterruptedWorkException;
import dev.winnow.TestData;
import dev.winnow.WinnowException;
import dev.winnow.checkpoint.Checkpoint;
import dev.winnow.checkpoint.ClipCheckpoint;
import dev.winnow.checkpoint.ModelFolder;
import dev.winnow.checkpoint.TensorFile;
import dev.winnow.checkpoint.Weights;
import dev.winnow.kernels.Tensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts and patches in CLIP's common space, beside transformers in float32. */
class ClipSpaceTest {
  /** Values reach 10; both sides round in float32, in other orders. */
  private static final float TOLERANCE = 2e-5f;

  @TempDir Path folder;

  static Stream<ClipExpected.Text> texts() { return ClipExpected.texts().stream(); }

  @ParameterizedTest
  @MethodSource("texts")
  void aTextIsWhatTransformersMakesOfIt(ClipExpected.Text text) {
    try (Weights expected = TensorFile.open(ClipExpected.TENSORS)) {
      check(expected, text, "pooled", ClipExpected.FOLDER);
    }
  }

  /** With the right end of text a segment without one pools its first position, with the old id its largest id. */
  @Test void theOldEndOfTextPoolsTheLargestId() {
    Path right = folderWith("eos_token_id", 623);
    try (Weights expected = TensorFile.open(ClipExpected.TENSORS)) {
      for (ClipExpected.Text text : ClipExpected.texts()) check(expected, text, "pooled_eos", right);
      float[] old = Tensors.toFloats(expected.get("text.4.pooled"));
      float[] now = Tensors.toFloats(expected.get("text.4.pooled_eos"));
      assertEquals(4 * 16, old.length);
      assertArrayEquals(Arrays.copyOfRange(old, 0, 16), Arrays.copyOfRange(now, 0, 16), 0f, "a full first segment begins with the largest");
      assertTrue(Math.abs(old[16] - now[16]) > 0.01, "the data do not tell the two apart");
    }
  }

  @Test void theActivationIsThatOfTheConfig() {
    Path gelu = ModelFolder.copy(ClipExpected.FOLDER, folder).config(config ->
        config.withObject("/text_config").put("hidden_act", "gelu")).path;
    try (Weights expected = TensorFile.open(ClipExpected.TENSORS)) {
      for (ClipExpected.Text text : ClipExpected.texts()) check(expected, text, "pooled_gelu", gelu);
    }
  }

  private Path folderWith(String field, int value) {
    return ModelFolder.copy(ClipExpected.FOLDER, folder).config(config -> config.withObject("/text_config").put(field, value)).path;
  }

  private static void check(Weights expected, ClipExpected.Text text, String pooled, Path clip) {
    try (ClipCheckpoint checkpoint = ClipCheckpoint.open(clip);
        ClipSpace space = new ClipSpace(checkpoint.config(), checkpoint.weights(), Tensors.CPU); PointerScope scope = new PointerScope()) {
      assertArrayEquals(text.ids(), checkpoint.tokenizer().ids(text.text()));
      ClipSpace.Text made = text(space, text.ids(), true, scope);
      ClipSpace.Text brief = text(space, text.ids(), false, scope);
      assertArrayEquals(Tensors.toFloats(made.pooled()), Tensors.toFloats(brief.pooled()), TOLERANCE);
      String name = "text." + text.number() + ".";
      assertArrayEquals(Tensors.toFloats(expected.get(name + pooled)), Tensors.toFloats(made.pooled()), TOLERANCE);
      if (!pooled.equals("pooled_gelu")) {
        assertArrayEquals(Tensors.toFloats(expected.get(name + "tokens")), Tensors.toFloats(made.tokens()), TOLERANCE);
      }
    }
  }

  private static ClipSpace.Text text(ClipSpace space, int[] ids, boolean everyPosition, PointerScope scope) {
    ClipSpace.Text made = space.text(ids, everyPosition);
    Tensors.adopt(scope, made.pooled());
    if (everyPosition) Tensors.adopt(scope, made.tokens());
    assertEquals(everyPosition, made.tokens() != null);
    return made;
  }

  /** The tower's own features, through both projections. */
  @ParameterizedTest
  @ValueSource(strings = {"llava15-mha-56", "llava-next-mistral-84"})
  void patchesAreWhatTransformersMakesOfThem(String model) {
    try (Weights expected = TensorFile.open(ClipExpected.TENSORS); Checkpoint llava = Checkpoint.open(ModelFolder.model(model));
        VisionTower tower = new VisionTower(llava.config().vision(), llava.weights(), ScalarType.Float, Tensors.CPU);
        ClipCheckpoint clip = ClipCheckpoint.open(ClipExpected.FOLDER);
        ClipSpace space = new ClipSpace(clip.config(), clip.weights(), Tensors.CPU); PointerScope scope = new PointerScope()) {
      RgbImage image = ImageReader.read(TestData.path("parity/images/shapes_640x427.png"));
      PixelBatch pixels = Preprocessor.load(llava.preprocessorFolder(), llava.config()).prepare(image);
      Tensor features = Tensors.adopt(scope, tower.encode(pixels, VisionObserver.NONE));
      Tensor wanted = expected.get("image." + model);
      Tensor made = space.image(features);
      assertArrayEquals(wanted.sizes().vec().get(), made.sizes().vec().get());
      assertArrayEquals(Tensors.toFloats(wanted), Tensors.toFloats(made), TOLERANCE);
    }
  }

  /** Weights of 16 bits are widened once, all but the embedding, whose few rows are widened when they are used. */
  @Test void halfTheWeightsAreWidened() throws Exception {
    Path half = ModelFolder.copy(ClipExpected.FOLDER, folder).tensors(tensors ->
        tensors.replaceAll((name, stored) -> stored.asBfloat16())).path;
    ClipExpected.Text text = ClipExpected.texts().get(1);
    try (ClipCheckpoint whole = ClipCheckpoint.open(ClipExpected.FOLDER); ClipCheckpoint rounded = ClipCheckpoint.open(half);
        ClipSpace space = new ClipSpace(whole.config(), whole.weights(), Tensors.CPU);
        ClipSpace wide = new ClipSpace(rounded.config(), rounded.weights(), Tensors.CPU); PointerScope scope = new PointerScope()) {
      assertEquals(0, ClipSpace.convertedBytes(whole.weights(), Tensors.CPU));
      long all = rounded.weights().names().stream().mapToLong(name -> rounded.weights().get(name).numel()).sum();
      assertEquals(4 * (all - 624 * 16), ClipSpace.convertedBytes(rounded.weights(), Tensors.CPU));
      Tensor made = text(wide, text.ids(), false, scope).pooled();
      assertEquals(ScalarType.Float, made.scalar_type().intern());
      float[] exact = Tensors.toFloats(text(space, text.ids(), false, scope).pooled());
      float[] near = Tensors.toFloats(made);
      assertArrayEquals(exact, near, 0.3f);
      assertTrue(!Arrays.equals(exact, near));
    }
  }

  @Test void aClosedOneIsRefusedAndNothingStaysBehind() {
    try (ClipCheckpoint checkpoint = ClipCheckpoint.open(ClipExpected.FOLDER)) {
      for (String name : checkpoint.weights().names()) checkpoint.weights().get(name);
      long before = Pointer.totalCount();
      ClipSpace space = new ClipSpace(checkpoint.config(), checkpoint.weights(), Tensors.CPU);
      for (int i = 0; i < 3; i++) {
        try (PointerScope scope = new PointerScope()) {
          text(space, ClipExpected.texts().get(4).ids(), i % 2 == 0, scope);
        }
      }
      space.close();
      assertThrows(WinnowException.class, () -> space.text(new int[] {1}, false));
      assertEquals(before, Pointer.totalCount());
    }
  }

  @Test void anInterruptedThreadStops() {
    try (ClipCheckpoint checkpoint = ClipCheckpoint.open(ClipExpected.FOLDER);
        ClipSpace space = new ClipSpace(checkpoint.config(), checkpoint.weights(), Tensors.CPU)) {
      long before = Pointer.totalCount();
      Thread.currentThread().interrupt();
      assertThrows(InterruptedWorkException.class, () -> space.text(new int[] {622, 623}, true));
      assertTrue(Thread.interrupted());
      assertEquals(before, Pointer.totalCount());
    }
  }
}
