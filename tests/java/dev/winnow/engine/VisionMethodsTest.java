package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.PlanReader;
import dev.winnow.prune.PlanWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The methods before the decoder, through the engine: budgets, tiles, several pictures, and what a model lacks. */
class VisionMethodsTest {
  private static final String NEXT_PROMPT = "[INST] <image>\nWhat is this? [/INST]";
  private static Model model;
  private static Model next;

  @BeforeAll static void open() {
    model = Model.open(Asked.MODEL);
    next = Model.open(TestData.path("parity/models/llava-next-mistral-84"));
  }

  @AfterAll static void close() {
    model.close();
    next.close();
  }

  static Stream<String> methods() {
    return Stream.of("fastervlm", "visionzip", "prumerge", "prumerge_plus", "fopru", "vispruner", "hired", "divprune", "cdpruner", "holov",
        "tome", "scope", "mmtok",
        "hiprune", "eadp", "restore_anchors");
  }

  private static Question with(Question question, String method) {
    boolean needsText = method.equals("cdpruner") || method.equals("eadp");
    return needsText ? question.method(method).set("relevance", "none") : question.method(method);
  }

  private static Question tiled() { return Question.of(NEXT_PROMPT).raw().image(Asked.drawn(200, 90)).maxTokens(3); }

  /** A budget of at least the picture's tokens changes no bit. */
  @ParameterizedTest
  @MethodSource("methods")
  void aBudgetAboveTheTokensKeepsEverything(String method) {
    Answer plain = Asked.ask(model, Asked.base());
    Answer kept = Asked.ask(model, with(Asked.base().budget(64), method));
    assertArrayEquals(plain.report().firstLogits(), kept.report().firstLogits(), 0f);
    assertArrayEquals(plain.ids(), kept.ids());
    assertEquals(16, kept.report().cuts().get(0).after());
    Answer whole = Asked.ask(next, tiled());
    int tokens = whole.report().segments().get(1).length();
    Answer same = Asked.ask(next, with(tiled().budget(tokens), method));
    assertArrayEquals(whole.report().firstLogits(), same.report().firstLogits(), 0f);
    assertEquals(tokens, same.report().segments().get(1).length());
  }

  /** The budget is what enters the language model, exactly, and so what every layer holds. */
  @ParameterizedTest
  @MethodSource("methods")
  void theBudgetIsWhatEntersTheLanguageModel(String method) {
    for (int budget : method.equals("tome") ? new int[] {5, 8, 15} : new int[] {1, 2, 5, 8, 15}) {
      Answer answer = Asked.ask(model, with(Asked.base().maxTokens(1).budget(budget), method));
      CutRecord cut = answer.report().cuts().get(0);
      assertEquals(budget, answer.report().segments().get(1).length(), method + " at " + budget);
      assertEquals(budget, cut.after());
      assertEquals(16, cut.before());
      assertTrue(cut.kept().length <= budget && Arrays.stream(cut.kept()).allMatch(patch -> patch >= 0 && patch < 16),
          Arrays.toString(cut.kept()));
      assertArrayEquals(Arrays.stream(cut.kept()).distinct().sorted().toArray(), cut.kept());
      for (int rows : answer.report().kv().lengthsAfterPrompt()) assertEquals(14 + budget, rows);
      assertTrue(answer.report().flops().speedup() > 1);
    }
  }

  @ParameterizedTest
  @MethodSource("methods")
  void aBudgetOnTilesIsForAllOfThem(String method) {
    // tome leaves every tile the same whole number, nine at least: 37 tokens halved in two blocks, class token apart
    for (int budget : method.equals("tome") ? new int[] {36, 60, 100} : new int[] {3, 20, 60, 101}) {
      Answer answer = Asked.ask(next, with(tiled().budget(budget), method));
      CutRecord cut = answer.report().cuts().get(0);
      assertEquals(budget, answer.report().segments().get(1).length(), method + " at " + budget);
      assertEquals(144, cut.before());
      assertTrue(Arrays.stream(cut.kept()).allMatch(patch -> patch >= 0 && patch < 144));
    }
  }

  /** HiRED gives the whole picture more than its share of the tiles; RESTORE keeps all of that and takes anchors from other tiles. */
  @Test void restoreKeepsWhatItsSelectorChoseOfEveryTile() {
    int[] chosen = Asked.ask(next, tiled().method("hired").set("tokens", "20")).report().cuts().get(0).kept();
    CutRecord cut = Asked.ask(next, tiled().method("restore_anchors").set("selector", "hired").set("tokens", "40")).report().cuts().get(0);
    assertEquals(40, cut.after());
    int ofWholePicture = (int) Arrays.stream(chosen).filter(patch -> patch < 36).count();
    assertTrue(ofWholePicture > 40 / 4, "more than a tile's share: " + ofWholePicture);
    for (int patch : chosen) {
      assertTrue(Arrays.stream(cut.kept()).anyMatch(kept -> kept == patch), patch + " is gone");
      assertTrue(cut.merged().stream().noneMatch(merge -> Arrays.stream(merge.from()).anyMatch(from -> from == patch)), patch + " merged");
    }
  }

  @ParameterizedTest
  @MethodSource("methods")
  void nothingIsLeftAtBudgetZero(String method) {
    if (method.equals("tome")) {
      assertThrows(InvalidInputException.class, () -> Asked.ask(model, Asked.base().method(method).budget(0)));
      return;
    }
    Answer answer = Asked.ask(model, with(Asked.base().maxTokens(1).budget(0), method));
    assertEquals(0, answer.report().cuts().get(0).after());
    assertEquals(14, answer.report().length());
  }

  @ParameterizedTest
  @MethodSource("methods")
  void aTextOnlyPromptIsNeverCut(String method) {
    String prompt = "USER: Name three colors. Answer with one word each. ASSISTANT:";
    int[] plain = Asked.ask(model, Question.of(prompt).raw().maxTokens(8)).ids();
    Answer answer = Asked.ask(model, with(Question.of(prompt).raw().maxTokens(8).budget(4), method));
    assertArrayEquals(plain, answer.ids());
    assertEquals(List.of(), answer.report().cuts());
  }

  /** Pictures of one question are decided apart. */
  @ParameterizedTest
  @MethodSource("methods")
  void twoPicturesAreCutAsEachAlone(String method) {
    Question both = Question.of("USER: <image>\n<image>\nWhat is this? ASSISTANT:").raw().image(Asked.drawn(90, 60)).image(Asked.drawn(40,
        90)).maxTokens(1);
    List<CutRecord> cuts = Asked.ask(model, with(both.budget(6), method)).report().cuts();
    assertEquals(2, cuts.size());
    assertEquals(0, cuts.get(0).image());
    assertEquals(1, cuts.get(1).image());
    assertArrayEquals(Asked.ask(model, with(Asked.base().budget(6), method)).report().cuts().get(0).kept(), cuts.get(0).kept());
    Question second = Question.of(Asked.PROMPT).raw().image(Asked.drawn(40, 90)).maxTokens(1);
    assertArrayEquals(Asked.ask(model, with(second.budget(6), method)).report().cuts().get(0).kept(), cuts.get(1).kept());
  }

  @ParameterizedTest
  @MethodSource("methods")
  void askingAgainGivesTheSameBits(String method) {
    Answer first = Asked.ask(model, with(Asked.base().budget(6), method));
    Answer again = Asked.ask(model, with(Asked.base().budget(6), method));
    assertArrayEquals(first.report().firstLogits(), again.report().firstLogits(), 0f);
    assertArrayEquals(first.report().cuts().get(0).kept(), again.report().cuts().get(0).kept());
  }

  /** As a plan file that was made for a tower of 24 blocks, on one of three. */
  @ParameterizedTest
  @MethodSource("methods")
  void aPlanFileOfTheMethodGivesTheSameBits(String method) {
    boolean needsText = method.equals("cdpruner") || method.equals("eadp");
    String file = PlanWriter.write(Methods.named(method).plan(new ModelShape(32, 24, true, 22, 24, true),
        needsText ? Map.of("relevance", "none") : Map.of(), OptionalInt.of(6), 576));
    Answer asked = Asked.ask(model, with(Asked.base().budget(6), method));
    Answer planned = Asked.ask(model, Asked.base().plan(PlanReader.parse(file, "plan")));
    assertArrayEquals(asked.report().firstLogits(), planned.report().firstLogits(), 0f);
    assertArrayEquals(asked.report().cuts().get(0).kept(), planned.report().cuts().get(0).kept());
  }

  /** Attention maps of transformers' eager CLIP attention for this checkpoint and picture. */
  @Test void scoresAreThoseOfTheReferenceTower() {
    float[] byClass = {0.1184113f, 0.0169129f, 0.0404619f, 0.2600761f, 0.0072025f, 0.0035516f, 0.1066097f, 0.1643654f, 0.0215272f,
        0.0365665f, 0.0101183f, 0.0035247f,
        0.0364135f, 0.0074986f, 0.044132f, 0.0122426f};
    float[] received = {0.0567382f, 0.0526523f, 0.0482551f, 0.0708378f, 0.0432547f, 0.0791127f, 0.0332296f, 0.0772267f, 0.0853318f,
        0.0536229f, 0.1466585f, 0.029224f,
        0.0447041f, 0.0286432f, 0.0581197f, 0.043974f};
    float[] oneHead = {0.0095325f, 0.0159454f, 0.0753783f, 0.0092934f, 0.0140139f, 0.0522466f, 0.0793221f, 0.1510428f, 0.0084525f,
        0.0861695f, 0.2797235f, 0.1517104f,
        0.0088156f, 0.0095599f, 0.0186502f, 0.0222524f};
    assertArrayEquals(byClass, scores("fastervlm"), 1e-5f);
    assertArrayEquals(received, scores("hiprune"), 1e-5f);
    assertArrayEquals(oneHead, scores("prumerge"), 1e-5f);
  }

  private static float[] scores(String method) {
    return Asked.ask(model, Asked.base().method(method).budget(5)).report().cuts().get(0).scores();
  }

  /** ToMe's members are a partition of the patches. */
  @Test void mergedTokensAccountForEveryPatch() {
    CutRecord cut = Asked.ask(model, Asked.base().method("tome").budget(5)).report().cuts().get(0);
    int[] members = cut.merged().stream().flatMapToInt(merge -> Arrays.stream(merge.from())).sorted().toArray();
    int[] alone = Arrays.stream(cut.kept()).filter(patch -> cut.merged().stream().noneMatch(merge -> merge.into() == patch)).toArray();
    assertEquals(16, members.length + alone.length);
    assertEquals(16, IntStream.concat(Arrays.stream(members), Arrays.stream(alone)).distinct().count());
  }

  /** The question moves MMTok's choice. */
  @Test void mmtokLooksAtTheQuestion() {
    Question other = Question.of("USER: <image>\nblue circle star ASSISTANT:").raw().image(Asked.drawn(90, 60)).maxTokens(1);
    int[] one = Asked.ask(model, Asked.base().method("mmtok").budget(6)).report().cuts().get(0).kept();
    int[] two = Asked.ask(model, other.method("mmtok").budget(6)).report().cuts().get(0).kept();
    assertTrue(!Arrays.equals(one, two), Arrays.toString(one));
  }

  @ParameterizedTest
  @ValueSource(strings = {"prumerge", "prumerge_plus", "visionzip", "fastervlm", "hired", "vispruner", "fopru", "holov", "scope"})
  void aTowerWithoutAClassTokenIsRefusedByName(String method) {
    try (Model siglip = Model.open(TestData.path("parity/models/llava-onevision-62"))) {
      InvalidInputException e = assertThrows(InvalidInputException.class, () -> Asked.ask(siglip, Asked.base().method(method).budget(4)));
      assertTrue(e.getMessage().contains("class token") && e.getMessage().contains("divprune"), e.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"cdpruner", "eadp"})
  void aCheckpointWithoutClipTextIsRefusedByName(String method) {
    InvalidInputException e = assertThrows(InvalidInputException.class, () -> Asked.ask(model, Asked.base().method(method).budget(4)));
    assertTrue(e.getMessage().contains("text tower") && e.getMessage().contains("mmtok"), e.getMessage());
  }

  @Test void methodsThatNeedNoClassTokenRunOnSiglip() {
    try (Model siglip = Model.open(TestData.path("parity/models/llava-onevision-62"))) {
      for (String method : List.of("divprune", "mmtok", "hiprune", "tome")) {
        Question question = Question.of("<image>\nWhat is this?").image(Asked.drawn(90, 60)).raw().maxTokens(1).budget(12);
        assertEquals(12, Asked.ask(siglip, question.method(method)).report().cuts().get(0).after(), method);
      }
    }
  }
}
