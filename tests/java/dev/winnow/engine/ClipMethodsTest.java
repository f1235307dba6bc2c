package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InterruptedWorkException;
import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.checkpoint.ModelFolder;
import dev.winnow.kernels.Dtype;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Methods;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlanReader;
import dev.winnow.vision.ClipExpected;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** CDPruner and EADP with the text tower of a CLIP folder, through whole questions. */
class ClipMethodsTest {
  private static final String HINT = "\nAnswer the question using a single word or phrase.";
  private static final String ASKED = "How many people are behind the small red sign on the left?";
  private static final ModelOptions WITH_CLIP = ModelOptions.DEFAULT.withClip(ClipExpected.FOLDER);
  private static final Map<String, Model> MODELS = new TreeMap<>();
  private static Model model;

  @TempDir Path folder;

  @BeforeAll static void open() {
    for (String name : List.of("llava15-mha-56", "llava-next-mistral-84")) MODELS.put(name, Model.open(ModelFolder.model(name), WITH_CLIP));
    model = MODELS.get("llava15-mha-56");
  }

  @AfterAll static void close() { MODELS.values().forEach(Model::close); }

  static Stream<ClipExpected.Choice> choices() { return ClipExpected.choices().stream(); }

  /** Beside the same computation in PyTorch: one tile and five, short and long questions, an empty one, letters of other scripts. */
  @ParameterizedTest
  @MethodSource("choices")
  void whatStaysIsWhatTheFormulasSay(ClipExpected.Choice choice) {
    Question question = Question.of(ClipExpected.texts().get(choice.text()).text()).maxTokens(1).method(choice.method())
        .budget(choice.budget()).image(TestData.path("parity/" + choice.image()));
    CutRecord cut = Asked.ask(MODELS.get(choice.model()), question).report().cuts().get(0);
    assertArrayEquals(choice.kept(), cut.kept(), Arrays.toString(cut.kept()));
    assertEquals(choice.kept().length, cut.after());
    assertTrue(cut.nanos() > 0);
  }

  private static int[] kept(Model model, Question question) { return Asked.ask(model, question).report().cuts().get(0).kept(); }

  private static Question question(String text) {
    return Question.of(text).image(Asked.drawn(90, 60)).maxTokens(1).method("cdpruner").budget(6);
  }

  /** CLIP sees the question alone: no hint on the form of the answer, no placeholder. */
  @Test void theHintOnTheFormOfTheAnswerIsNotLookedFor() {
    int[] plain = kept(model, question(ASKED));
    assertArrayEquals(plain, kept(model, question(ASKED + HINT)));
    assertArrayEquals(plain, kept(model, question("<image>\n" + ASKED).raw()));
    assertFalse(Arrays.equals(plain, kept(model, question("blue circle star"))), "the question does not matter");
    assertFalse(Arrays.equals(plain, kept(model, question(ASKED).set("relevance", "none"))), "relevance does not matter");
  }

  /** Every picture is cut by itself; each turn has its own question. */
  @Test void severalPicturesAndTurns() {
    int[] first = kept(model, question(ASKED));
    Question two = question(ASKED).image(Asked.drawn(30, 80));
    try (Session session = model.newSession()) {
      List<CutRecord> cuts = session.ask(two).report().cuts();
      assertEquals(2, cuts.size());
      assertArrayEquals(first, cuts.get(0).kept());
      assertArrayEquals(kept(model, Question.of(ASKED).image(Asked.drawn(30, 80)).maxTokens(1).method("cdpruner").budget(6)),
          cuts.get(1).kept());
      assertArrayEquals(kept(model, question("blue circle star")), session.ask(question("blue circle star")).report().cuts().get(0).kept());
    }
  }

  /** Behind another cut relevance is that of the tokens which are left. */
  @Test void cdprunerChoosesAmongWhatAnEarlierCutLeft() {
    String plan = "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"%s\",\"reducer\":{\"name\":\"%s\",\"tokens\":%d}},"
        + "{\"site\":\"projected\",\"reducer\":{\"name\":\"cdpruner\",\"tokens\":%d}}]}";
    for (String name : MODELS.keySet()) {
      int all = name.equals("llava15-mha-56") ? 12 : 60;
      for (String[] first : new String[][] {{"vision", "fastervlm"}, {"vision", "hired"}, {"vision:0", "tome"}}) {
        PlanReader file = PlanReader.parse(plan.formatted(first[0], first[1], all, all / 3), "plan");
        Question question = Question.of(ASKED).image(Asked.drawn(90, 60)).maxTokens(1).plan(file);
        List<CutRecord> cuts = Asked.ask(MODELS.get(name), question).report().cuts();
        assertEquals(all / 3, cuts.get(1).after(), name + first[1]);
        List<Integer> left = Arrays.stream(cuts.get(0).kept()).boxed().toList();
        assertTrue(Arrays.stream(cuts.get(1).kept()).allMatch(left::contains), name + first[1]);
      }
    }
  }

  @Test void restoreAnchorsMayStandAroundIt() {
    Question question = Question.of(ASKED).image(Asked.drawn(90, 60)).maxTokens(1).method("restore_anchors")
        .set("selector", "cdpruner").budget(8);
    assertEquals(8, Asked.ask(model, question).report().cuts().get(0).after());
  }

  /** Relevance is computed in float32 of what the tower gives, whatever that is computed in. */
  @ParameterizedTest
  @ValueSource(strings = {"cdpruner", "eadp"})
  void everyDtypeOfTheModelWorks(String method) {
    for (Dtype dtype : List.of(Dtype.BFLOAT16, Dtype.FLOAT16)) {
      try (Model other = Model.open(Asked.MODEL, new ModelOptions(dtype, "cpu", 1, ClipExpected.FOLDER))) {
        assertEquals(6, kept(other, question(ASKED).method(method)).length);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"cdpruner", "eadp"})
  void withoutClipTheRefusalNamesTheOption(String method) {
    try (Model plain = Model.open(Asked.MODEL)) {
      InvalidInputException e = assertThrows(InvalidInputException.class, () -> Asked.ask(plain, question(ASKED).method(method)));
      for (String part : List.of(method, "text tower", "--clip DIR", "withClip", "relevance=none")) {
        assertTrue(e.getMessage().contains(part), e.getMessage());
      }
    }
    InvalidInputException e = assertThrows(InvalidInputException.class,
        () -> Model.open(Asked.MODEL, ModelOptions.DEFAULT, List.of(question(ASKED).method(method))).close());
    assertTrue(e.getMessage().contains("--clip DIR"), e.getMessage());
    Model.open(Asked.MODEL, WITH_CLIP, List.of(question(ASKED).method(method))).close();
    Plan made = Methods.named(method).plan(model.shape(), Map.of("tokens", "6"), OptionalInt.empty(), 16);
    try (Model plain = Model.open(Asked.MODEL)) {
      e = assertThrows(InvalidInputException.class, () -> Asked.ask(plain, Asked.base().plan(made)));
      assertTrue(e.getMessage().contains("--clip DIR"), e.getMessage());
    }
  }

  @Test void aClipOfAnotherTowerIsRefused() {
    refused("llava15-mha-336", ClipExpected.FOLDER, "width 24", "32 wide");
    refused("llava-onevision-62", ClipExpected.FOLDER, "SigLIP", "leave out --clip");
    refused("llava-multilayer-full-56", ClipExpected.FOLDER, "side by side", "leave out --clip");
    refused("llava15-mha-56", Asked.MODEL, "model_type", "clip");
    refused("llava15-mha-56", folder.resolve("nowhere"), "nowhere is not a folder");
  }

  private static void refused(String name, Path clip, String... parts) {
    long before = Pointer.totalCount();
    InvalidInputException e = assertThrows(InvalidInputException.class,
        () -> Model.open(ModelFolder.model(name), ModelOptions.DEFAULT.withClip(clip)).close());
    for (String part : parts) assertTrue(e.getMessage().contains(part), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
    assertEquals(before, Pointer.totalCount());
  }

  @Test void aModelWithClipThatIsNotAskedAnswersAlike() {
    try (Model plain = Model.open(Asked.MODEL)) {
      assertArrayEquals(Asked.ask(plain, Asked.base()).report().firstLogits(), Asked.ask(model, Asked.base()).report().firstLogits(), 0f);
      Question all = question(ASKED).budget(16);
      assertArrayEquals(Asked.ask(plain, Question.of(ASKED).image(Asked.drawn(90, 60)).maxTokens(1)).report().firstLogits(),
          Asked.ask(model, all).report().firstLogits(), 0f);
    }
  }

  @Test void nativeMemoryComesBack() {
    long before = Pointer.totalCount();
    try (Model own = Model.open(Asked.MODEL, WITH_CLIP)) {
      for (int i = 0; i < 3; i++) Asked.ask(own, question(ASKED));
      long objects = Pointer.totalCount();
      for (int i = 0; i < 20; i++) Asked.ask(own, question(ASKED).method(i % 2 == 0 ? "cdpruner" : "eadp").image(Asked.drawn(40, 40)));
      assertEquals(objects, Pointer.totalCount(), "native objects left behind");
      Thread.currentThread().interrupt();
      assertThrows(InterruptedWorkException.class, () -> Asked.ask(own, question(ASKED)));
      assertTrue(Thread.interrupted());
      assertEquals(objects, Pointer.totalCount(), "native objects left behind by an interrupt");
    }
    assertEquals(before, Pointer.totalCount(), "native objects of a closed model");
  }

  @Test void aChangedClipFileIsNoticed() throws Exception {
    Path clip = ModelFolder.copy(ClipExpected.FOLDER, folder).path;
    try (Model own = Model.open(Asked.MODEL, ModelOptions.DEFAULT.withClip(clip))) {
      kept(own, question(ASKED));
      Files.setLastModifiedTime(clip.resolve("model.safetensors"), FileTime.fromMillis(0));
      InvalidInputException e = assertThrows(InvalidInputException.class, () -> kept(own, question(ASKED)));
      assertTrue(e.getMessage().contains(clip.resolve("model.safetensors").toString()), e.getMessage());
    }
  }
}
