package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.decoder.Segment;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.PlanReader;
import dev.winnow.prune.PlanWriter;
import dev.winnow.prune.Site;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Methods that cut inside the decoder and its caches, from a question to its report. */
class DecoderMethodsTest {
  private static final String TWO = "USER: <image>\nand <image>\nWhat differs? ASSISTANT:";
  private static Model model;

  @BeforeAll static void open() { model = Model.open(Asked.MODEL); }

  @AfterAll static void close() { model.close(); }

  @ParameterizedTest
  @ValueSource(strings = {"sparsevlm", "mustdrop", "dart"})
  void aBudgetOfAllTokensChangesNothing(String method) {
    Answer plain = Asked.ask(model, Asked.base());
    Answer all = Asked.ask(model, Asked.base().method(method).budget(64));
    assertArrayEquals(plain.report().firstLogits(), all.report().firstLogits());
    assertArrayEquals(plain.ids(), all.ids());
    for (CutRecord cut : all.report().cuts()) assertEquals(16, cut.kept().length);
    assertEquals(0, all.report().kv().bytesFreed());
  }

  @ParameterizedTest
  @ValueSource(strings = {"sparsevlm", "mustdrop", "dart"})
  void textAloneIsLeftAlone(String method) {
    Answer plain = Asked.ask(model, Question.of("USER: Hello. ASSISTANT:").raw().maxTokens(4));
    Answer pruned = Asked.ask(model, Question.of("USER: Hello. ASSISTANT:").raw().maxTokens(4).method(method));
    assertArrayEquals(plain.report().firstLogits(), pruned.report().firstLogits());
    assertEquals(List.of(), pruned.report().cuts());
    assertEquals(0, pruned.report().kv().bytesFreed());
  }

  @ParameterizedTest
  @CsvSource({"sparsevlm,10", "sparsevlm,13", "mustdrop,8", "mustdrop,11", "dart,9", "dart,12"})
  void aBudgetIsTheAverageOverTheLayers(String method, int budget) {
    Report report = Asked.ask(model, Asked.base().method(method).budget(budget).maxTokens(1)).report();
    int layers = model.config().text().layers();
    double held = 0;
    for (int layer = 0; layer < layers; layer++) {
      int tokens = report.segments().stream().filter(segment -> !segment.isText()).mapToInt(Segment::length).sum();
      for (CutRecord cut : report.cuts()) {
        if (cut.site().kind() == Site.Kind.LAYER && cut.site().index() <= layer) tokens = cut.kept().length;
      }
      held += tokens;
    }
    assertTrue(held / layers <= budget && held / layers > budget - 1.5, method + " holds " + held / layers);
  }

  @ParameterizedTest
  @CsvSource({"sparsevlm,keep=6;4;2", "mustdrop,average=8", "dart,keep=7"})
  void twoPicturesAreCutEachOnItsOwn(String method, String setting) {
    String[] nameAndValue = setting.replace(';', ',').split("=");
    Question question = Question.of(TWO).raw().image(Asked.drawn(90, 60)).image(Asked.drawn(31, 77)).maxTokens(4)
        .method(method).set(nameAndValue[0], nameAndValue[1]);
    Report report = Asked.ask(model, question).report();
    List<CutRecord> cuts = report.cuts().stream().filter(cut -> cut.site().kind() == Site.Kind.LAYER).toList();
    assertFalse(cuts.isEmpty());
    int text = report.segments().stream().filter(Segment::isText).mapToInt(Segment::length).sum();
    int[] left = new int[2];
    for (CutRecord cut : cuts) {
      assertTrue(Arrays.stream(cut.kept()).allMatch(i -> i >= 0 && i < 16));
      assertEquals(cut.kept().length, Arrays.stream(cut.kept()).distinct().count());
      left[cut.image()] = cut.kept().length;
    }
    int[] lengths = report.kv().lengthsAfterPrompt();
    assertEquals(text + left[0] + left[1], lengths[lengths.length - 1]);
  }

  @Test void likeWindowsMergeInTheTowerAndKeyTokensStay() {
    Question question = Asked.base().method("mustdrop").set("merge", "-1").set("key_share", "0.5")
        .set("global_thr", "1").set("individual_thr", "1").maxTokens(2);
    Report report = Asked.ask(model, question).report();
    CutRecord merge = report.cuts().get(0);
    assertEquals("vision:0", merge.site().toString());
    assertEquals(4, merge.after(), "every window of 2x2 merges");
    assertEquals(4, merge.merged().size());
    int[] lengths = report.kv().lengthsAfterPrompt();
    assertEquals(report.length() - 4 + 2, lengths[lengths.length - 1], "thresholds drop all but the two key tokens");
  }

  @Test void mergesAreTold() {
    Report report = Asked.ask(model, Asked.base().method("sparsevlm").set("keep", "6,4,2").maxTokens(2)).report();
    CutRecord cut = report.cuts().get(0);
    assertEquals(7, cut.kept().length);
    assertEquals(1, cut.merged().size());
    int into = cut.merged().get(0).into();
    assertEquals(into, cut.kept()[6]);
    assertTrue(Arrays.stream(cut.merged().get(0).from()).anyMatch(from -> from == into));
  }

  @Test void generatedTokensEvict() {
    String plan = "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"decode\",\"every\":2,\"scorer\":{\"name\":\"paid-attention\"},"
        + "\"selector\":{\"name\":\"top\",\"share\":0.5,\"of\":\"present\",\"floor\":3}}]}";
    Report report = Asked.ask(model, Asked.base().plan(PlanReader.parse(plan, "test"))).report();
    int text = report.segments().stream().filter(Segment::isText).mapToInt(Segment::length).sum();
    int decoded = report.timing().decodedTokens();
    assertEquals(7, decoded);
    for (int length : report.kv().lengthsAfterPrompt()) assertEquals(text + 16, length);
    // 16, then 8 after two tokens, 4 after four, the floor of 3 after six; all text and generated rows are there
    for (int length : report.kv().lengthsAtEnd()) assertEquals(text + 3 + decoded, length);
    assertTrue(report.cuts().stream().allMatch(cut -> cut.site().toString().equals("decode") && cut.scores() != null));
    List<Integer> keptInFirstLayer = report.cuts().stream()
        .filter(cut -> Arrays.stream(cut.layers()).anyMatch(layer -> layer == 0))
        .map(cut -> cut.kept().length)
        .toList();
    assertEquals(List.of(8, 4, 3), keptInFirstLayer);
  }

  /**
   * The first plan of docs/plans.md, its numbers scaled to the small checkpoint: cuts before, inside and behind the prompt in one
   * request.
   */
  @Test void thePlanOfThreeStages() throws IOException {
    String page = Files.readString(Path.of(System.getProperty("winnow.basedir", "."), "docs/plans.md"));
    String plan = page.substring(page.indexOf("```json") + 7, page.indexOf("```", page.indexOf("```json") + 7));
    for (String[] scaled : new String[][] {{"\"tokens\": 288", "\"tokens\": 8"}, {"layer:8", "layer:1"}, {"layer:16", "layer:2"},
        {"\"every\": 16", "\"every\": 2"}, {"\"floor\": 32", "\"floor\": 1"}}) {
      assertTrue(plan.contains(scaled[0]), scaled[0]);
      plan = plan.replace(scaled[0], scaled[1]);
    }
    Report report = Asked.ask(model, Asked.base().plan(PlanReader.parse(plan, "docs/plans.md"))).report();
    int text = report.segments().stream().filter(Segment::isText).mapToInt(Segment::length).sum();
    assertArrayEquals(new int[] {text + 8, text + 4, text + 2, text + 2}, report.kv().lengthsAfterPrompt());
    int[] end = report.kv().lengthsAtEnd();
    // three evictions in seven steps: 8, 4, 2, 1 and 4, 2, 1 and 2, 1
    for (int length : end) assertEquals(text + 1 + report.timing().decodedTokens(), length);
  }

  @Test void oneLayerDecidesForAllCaches() {
    String plan = """
        {"format": "winnow.plan/1", "cuts": [{"site": "cache", "layers": [1, 2, 3],
          "scorer": {"name": "paid-attention", "layers": "2", "rows": 4}, "selector": {"name": "top", "tokens": 5}}]}""";
    Report report = Asked.ask(model, Asked.base().plan(PlanReader.parse(plan, "test"))).report();
    int text = report.length() - 16;
    assertArrayEquals(new int[] {text + 16, text + 5, text + 5, text + 5}, report.kv().lengthsAfterPrompt());
    assertEquals(1, report.cuts().size());
    assertArrayEquals(new int[] {1, 2, 3}, report.cuts().get(0).layers());
    assertEquals(report.flops().full(), report.flops().pruned(), "the prompt was computed in full");
  }

  /** RowNorms, found by the service loader through the tests' META-INF/services. */
  @Test void aScorerOfOnesOwn() {
    String plan = """
        {"format": "winnow.plan/1",
         "cuts": [{"site": "layer:1", "scorer": {"name": "row-norms"}, "selector": {"name": "top", "tokens": 6}}]}""";
    Report report = Asked.ask(model, Asked.base().plan(PlanReader.parse(plan, "test"))).report();
    assertEquals(6, report.cuts().get(0).kept().length);
  }

  @Test void laterTurnsEvictOnlyTheirOwnPictures() {
    String plan = """
        {"format": "winnow.plan/1",
         "cuts": [{"site": "cache", "scorer": {"name": "paid-attention"}, "selector": {"name": "top", "tokens": 4}}]}""";
    try (Session session = model.newSession()) {
      session.ask(Asked.base().maxTokens(2));
      Question later = Question.of(" USER: <image>\nAnd this? ASSISTANT:").raw().image(Asked.drawn(40, 40)).maxTokens(2);
      Report second = session.ask(later.plan(PlanReader.parse(plan, "test"))).report();
      assertEquals(List.of(1), second.cuts().stream().map(CutRecord::image).distinct().toList());
    }
  }

  /** This family's chat has no token before the picture, so that nothing is left where all of it goes. */
  @Test void picturesAloneCannotGoAltogether() {
    Question all = Question.of("<image>").raw().image(Asked.drawn(90, 60)).maxTokens(2).method("vtw").set("layer", "1");
    Question butOne = Question.of("<image>").raw().image(Asked.drawn(90, 60)).maxTokens(2).method("uniform").set("layer", "1")
        .set("keep", "1");
    try (Model qwen = Model.open(TestData.path("parity/models/llava-onevision-62"))) {
      String message = assertThrows(InvalidInputException.class, () -> Asked.ask(qwen, all)).getMessage();
      assertTrue(message.contains("the cut at layer:1 leaves nothing"), message);
      assertEquals(1, Asked.ask(qwen, butOne).report().kv().lengthsAfterPrompt()[2]);
    }
  }

  /** A plan printed for a model does what the method does. */
  @ParameterizedTest
  @ValueSource(strings = {"pyramiddrop", "sparsevlm", "mustdrop", "dart", "fastervlm", "hiprune"})
  void aPrintedPlanKeepsTheSame(String method) {
    ModelShape shape = model.shape();
    String json = PlanWriter.write(Methods.named(method).plan(shape, Map.of(), OptionalInt.empty(), 16), shape);
    Report named = Asked.ask(model, Asked.base().method(method)).report();
    Report planned = Asked.ask(model, Asked.base().plan(PlanReader.parse(json, "plan.json"))).report();
    assertArrayEquals(named.firstLogits(), planned.firstLogits());
    for (int i = 0; i < named.cuts().size(); i++) assertArrayEquals(named.cuts().get(i).kept(), planned.cuts().get(i).kept());
  }
}
