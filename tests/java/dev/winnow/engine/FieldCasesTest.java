package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.checkpoint.ModelFolder;
import dev.winnow.kernels.Dtype;
import dev.winnow.vision.RgbImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Inputs that broke other systems, asked of whole models: each stands for a kind of fault. */
class FieldCasesTest {
  private static final int[] BASE_IDS = {373, 482, 580, 427, 306, 340, 482, 580};
  /** The last id of the prompt, the id of {@code a}, a blank, the four bytes of the emoji, the end. */
  private static final int[] EMOJI = {539, 448, 332, 243, 162, 155, 131, 2};

  @TempDir Path temp;

  private ModelFolder copy() { return ModelFolder.copy("llava15-mha-56", temp); }

  private static int[] ids(ModelFolder folder) {
    try (Model model = Model.open(folder.path)) {
      return Asked.ask(model, Asked.base()).ids();
    }
  }

  private static String refused(ModelFolder folder) {
    InvalidInputException e = assertThrows(InvalidInputException.class, () -> ids(folder));
    assertEquals(1, e.getMessage().lines().count());
    return e.getMessage();
  }

  /** Positive, negative and listed feature layers count the same way; 0 is the embedding. */
  @ParameterizedTest
  @CsvSource(delimiter = ';', value = {
      "2;373 482 580 427 306 340 482 580", "[-2];373 482 580 427 306 340 482 580", "[2];373 482 580 427 306 340 482 580",
      "3;373 482 427 615 478 428 333", "-1;373 482 427 615 478 428 333", "0;482 94 261 482 128 621 456 482"})
  void featureLayers(String layer, String wanted) {
    ModelFolder folder = copy().config(config -> config.set("vision_feature_layer", parse(layer)));
    assertArrayEquals(Arrays.stream(wanted.split(" ")).mapToInt(Integer::parseInt).toArray(), ids(folder));
  }

  @ParameterizedTest
  @CsvSource({"4", "-5"})
  void featureLayersOutOfRange(int layer) {
    assertTrue(refused(copy().config(config -> config.put("vision_feature_layer", layer))).contains("vision_feature_layer"));
  }

  private static JsonNode parse(String json) {
    try {
      return ModelFolder.JSON.readTree(json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test void imageIdOfTheConfigAndTheTokenizerMustAgree() {
    String message = refused(copy().config(config -> config.put("image_token_index", 600)));
    assertTrue(message.contains("600") && message.contains("638"), message);
    assertArrayEquals(BASE_IDS, ids(copy().config(config -> {
      config.remove("image_token_index");
      config.put("image_token_id", 638);
    })));
  }

  @Test void everyEndIdEnds() throws Exception {
    ModelFolder folder = copy().json("generation_config.json", config -> config.putArray("eos_token_id").add(2).add(580));
    try (Model model = Model.open(folder.path)) {
      Answer answer = Asked.ask(model, Asked.base());
      assertArrayEquals(new int[] {373, 482}, answer.ids());
      assertEquals(Answer.Finish.STOP, answer.finish());
    }
    try (Model model = Model.open(Rig.answering(temp, EMOJI).delete("generation_config.json").path)) {
      Answer answer = Asked.ask(model, Asked.base().maxTokens(20));
      assertEquals("a 😀", answer.text());
      assertEquals(Answer.Finish.STOP, answer.finish());
    }
  }

  /** A character that spans several tokens is never heard in pieces; what is cut off ends as batch decoding has it, once. */
  @Test void streamingNeverBreaksACharacter() throws Exception {
    try (Model model = Model.open(Rig.answering(temp, EMOJI).path)) {
      List<String> heard = new ArrayList<>();
      Answer whole = Asked.ask(model, Asked.base().maxTokens(20).listener(heard::add));
      assertEquals("a 😀", whole.text());
      assertEquals(whole.text(), String.join("", heard));
      assertEquals("a", heard.get(0));
      heard.forEach(piece -> assertFalse(piece.contains("\uFFFD") || Character.isHighSurrogate(piece.charAt(piece.length() - 1)), piece));
      heard.clear();
      Answer cut = Asked.ask(model, Asked.base().maxTokens(4).listener(heard::add));
      assertEquals(model.tokenizer().decode(cut.ids(), true), cut.text());
      assertEquals(cut.text(), String.join("", heard));
    }
  }

  @Test void anAbsentOutputMatrixIsNotGuessed() throws Exception {
    assertTrue(refused(copy().tensors(tensors -> tensors.remove("language_model.lm_head.weight"))).contains("lm_head"));
    ModelFolder tied = copy().tensors(tensors -> tensors.remove("language_model.lm_head.weight"))
        .config(config -> config.withObject("/text_config").put("tie_word_embeddings", true));
    assertEquals(8, ids(tied).length);
  }

  @Test void packedAndFloat8WeightsAreRefusedOnlyWhereUsed() throws Exception {
    assertTrue(refused(copy().config(config -> config.putObject("quantization_config").put("quant_method", "awq"))).contains("awq"));
    String q = "language_model.model.layers.1.self_attn.q_proj.weight";
    assertTrue(refused(copy().tensors(tensors -> tensors.computeIfPresent(q, (n, t) -> new ModelFolder.Stored("F8_E4M3", t.shape(),
        Arrays.copyOf(t.bytes(), t.bytes().length / 4))))).contains("F8_E4M3"));
    ModelFolder.Stored unused = new ModelFolder.Stored("F8_E4M3", new long[] {4}, new byte[4]);
    assertArrayEquals(BASE_IDS, ids(copy().tensors(tensors -> tensors.put("unused.weight", unused))));
  }

  @Test void degenerateSizesAreOrdinaryPictures() {
    try (Model model = Model.open(Asked.MODEL)) {
      for (int[] size : new int[][] {{1, 1}, {1, 90}, {90, 1}, {3, 1}, {31, 4000}}) {
        RgbImage drawn = Asked.drawn(size[0], size[1]);
        Answer answer = Asked.ask(model, Question.of(Asked.PROMPT).raw().image(drawn).maxTokens(2));
        assertEquals(16, answer.report().segments().get(1).length());
      }
    }
  }

  /** Strings that look like control tokens are text when a user types them; only the chat format's own place takes the picture. */
  @Test void typedControlStringsAreText() {
    try (Model model = Model.open(Asked.MODEL)) {
      Answer answer = Asked.ask(model, Question.of("say </s> and <image> now").image(Asked.drawn(90, 60)).maxTokens(1));
      assertArrayEquals(
          new int[] {1, 523, 332, 638, 332, 13, 324, 413, 332, 63, 267, 324, 65, 448, 360, 332, 63, 314, 476, 65, 332, 319, 383, 539},
          answer.report().promptIds());
      assertEquals(1, answer.report().segments().stream().filter(segment -> !segment.isText()).count());
    }
  }

  @ParameterizedTest
  @CsvSource({"bfloat16, 0.3", "float16, 0.05"})
  void halfPrecisionStaysClose(String dtype, float tolerance) {
    try (Model wide = Model.open(Asked.MODEL); Model narrow = Model.open(Asked.MODEL, new ModelOptions(Dtype.of(dtype), "cpu", 1))) {
      for (String method : List.of("none", "pyramiddrop", "fastv", "vtw")) {
        float[] wanted = Asked.ask(wide, Asked.base().method(method)).report().firstLogits();
        Answer got = Asked.ask(narrow, Asked.base().method(method));
        if (method.equals("none") || method.equals("vtw")) assertArrayEquals(wanted, got.report().firstLogits(), tolerance, method);
        assertTrue(got.ids().length > 0);
      }
    }
  }

  @Test void mixedDtypesInOneFile() throws Exception {
    Path whole = TestData.path("parity/models/llava15-mha-56-bf16");
    ModelFolder mixed = ModelFolder.copy("llava15-mha-56-bf16", temp).tensors(tensors -> tensors.replaceAll((name, stored) ->
        name.contains("norm") || name.endsWith(".bias") ? widened(stored) : stored));
    float[] wanted;
    try (Model model = Model.open(whole)) {
      wanted = Asked.ask(model, Asked.base()).report().firstLogits();
    }
    try (Model model = Model.open(mixed.path, new ModelOptions(Dtype.BFLOAT16, "cpu", 1))) {
      assertArrayEquals(wanted, Asked.ask(model, Asked.base().method("fastv").set("ratio", "0")).report().firstLogits(), 0f);
      assertTrue(Asked.ask(model, Asked.base().method("pyramiddrop")).ids().length > 0);
    }
  }

  /** The same bfloat16 values, stored as float32. */
  private static ModelFolder.Stored widened(ModelFolder.Stored stored) {
    byte[] wide = new byte[stored.bytes().length * 2];
    for (int i = 0; i < stored.bytes().length; i += 2) {
      wide[2 * i + 2] = stored.bytes()[i];
      wide[2 * i + 3] = stored.bytes()[i + 1];
    }
    return new ModelFolder.Stored("F32", stored.shape(), wide);
  }
}
