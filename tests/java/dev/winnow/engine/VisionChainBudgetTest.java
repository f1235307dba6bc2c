package dev.winnow.engine;

import static dev.winnow.engine.Chain.plan;
import static dev.winnow.engine.Chain.set;
import static dev.winnow.engine.Chain.tokens;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.TestData;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.PlanReader;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Budgets of cuts that follow one another before the decoder, on one tile and on four, and cuts that have nothing to do. */
class VisionChainBudgetTest {
  private static Model model;
  private static Model tiled;

  @BeforeAll static void open() {
    model = Model.open(Asked.MODEL);
    tiled = Model.open(TestData.path("parity/models/llava-next-mistral-84"));
  }

  @AfterAll static void close() {
    model.close();
    tiled.close();
  }

  private static Question tiledQuestion() {
    return Question.of("[INST] <image>\nWhat is this? [/INST]").raw().image(Asked.drawn(200, 90)).maxTokens(3);
  }

  private static void assertSameAnswer(Answer expected, Answer actual) {
    assertArrayEquals(expected.report().firstLogits(), actual.report().firstLogits(), 0f);
    assertArrayEquals(expected.ids(), actual.ids());
  }

  @Test void aCutWithinWhoseBudgetAllIsIsSkipped() {
    Answer one = Asked.ask(model, Asked.base().plan(plan(tokens("vision fastervlm", 6))));
    for (int budget : new int[] {6, 100}) {
      Answer chained = Asked.ask(model, Asked.base().plan(plan(tokens("vision fastervlm", 6), tokens("projected divprune", budget))));
      assertSameAnswer(one, chained);
      CutRecord skipped = chained.report().cuts().get(1);
      assertEquals(6, skipped.before());
      assertEquals(6, skipped.after());
      assertArrayEquals(one.report().cuts().get(0).kept(), skipped.kept());
    }
    Answer second = Asked.ask(model, Asked.base().plan(plan(tokens("projected divprune", 5))));
    assertSameAnswer(second, Asked.ask(model, Asked.base().plan(plan(tokens("vision fastervlm", 16), tokens("projected divprune", 5)))));
    assertSameAnswer(second, Asked.ask(model, Asked.base().plan(plan("vision:0 tome \"r\":0", tokens("projected divprune", 5)))));
    Answer merged = Asked.ask(model, Asked.base().plan(plan(tokens("vision:0 tome", 9))));
    assertSameAnswer(merged, Asked.ask(model, Asked.base().plan(plan(tokens("vision:0 tome", 9), tokens("vision visionzip", 9),
        tokens("projected divprune", 9)))));
  }

  @Test void whereEveryCutKeepsAllThePlainModelRuns() {
    PlanReader all = plan(tokens("vision:0 tome", 999), tokens("vision fastervlm", 999), tokens("projected divprune", 999));
    assertSameAnswer(Asked.ask(model, Asked.base()), Asked.ask(model, Asked.base().plan(all)));
    Answer kept = Asked.ask(tiled, tiledQuestion().plan(all));
    assertSameAnswer(Asked.ask(tiled, tiledQuestion()), kept);
    assertEquals(3, kept.report().cuts().size());
    assertTrue(kept.report().cuts().stream().allMatch(cut -> cut.before() == cut.after()));
  }

  /** 101 does not divide among four tiles, and HiRED gives tiles very different shares. */
  @ParameterizedTest
  @ValueSource(strings = {"divprune", "mmtok", "cdpruner \"relevance\":\"none\",", "eadp \"relevance\":\"none\",", "restore_anchors",
      "restore_anchors \"selector\":\"vispruner\",", "restore_anchors \"selector\":\"fopru\",", "restore_anchors \"selector\":\"scope\","})
  void tilesMayKeepDifferentNumbers(String second) {
    String words = second.contains(" ") ? second : second + " ";
    for (String first : List.of("fastervlm", "hired", "visionzip", "prumerge")) {
      int before = 101;
      for (int budget : new int[] {7, 50, 97}) {
        PlanReader plan = plan(tokens("vision " + first, before), "projected " + words + "\"tokens\":" + budget);
        Answer answer = Asked.ask(tiled, tiledQuestion().plan(plan));
        List<CutRecord> cuts = answer.report().cuts();
        assertEquals(before, cuts.get(0).after(), first);
        assertEquals(before, cuts.get(1).before(), first);
        assertEquals(budget, cuts.get(1).after(), first + ", then " + second);
        assertEquals(budget, answer.report().segments().get(1).length());
        assertTrue(set(cuts.get(0).kept()).containsAll(set(cuts.get(1).kept())));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"fastervlm", "visionzip", "prumerge", "fopru", "vispruner", "scope"})
  void whatStandsAtVisionWorksBehindEitherMerge(String method) {
    for (String merge : List.of("vision:0 tome \"tokens\":11", "vision:0 mustdrop \"merge\":-1,\"window\":2,\"key_share\":0.3")) {
      Answer answer = Asked.ask(model, Asked.base().plan(plan(merge, "vision " + method + " \"tokens\":3")));
      assertEquals(3, answer.report().segments().get(1).length(), merge + ", then " + method);
    }
    Answer answer = Asked.ask(tiled, tiledQuestion().plan(plan(tokens("vision:0 tome", 60), tokens("vision " + method, 22),
        tokens("projected divprune", 13))));
    assertEquals(13, answer.report().segments().get(1).length());
  }

  /** PruMerge+ with a fixed share may list a patch twice. */
  @Test void aPatchThatEntersTwiceIsTwoTokens() {
    Answer answer = Asked.ask(tiled, tiledQuestion().plan(plan("vision prumerge_plus \"adaptive\":\"false\",\"ratio\":0.3",
        tokens("projected divprune", 9))));
    CutRecord first = answer.report().cuts().get(0);
    assertTrue(set(first.kept()).size() < first.kept().length, "a patch is there twice");
    assertEquals(9, answer.report().cuts().get(1).after());
    assertEquals(4, 9 - answer.report().cuts().get(1).kept().length, "the extra row of each tile goes on");
  }

  /** A checkpoint that keeps the class token has it in front of its rows, and the budgets count it. */
  @Test void aKeptClassTokenCountsOnce() {
    try (Model full = Model.open(TestData.path("parity/models/llava-multilayer-full-56"))) {
      for (String first : List.of("fastervlm", "visionzip")) {
        Answer answer = Asked.ask(full, Asked.base().plan(plan(tokens("vision " + first, 9), tokens("projected divprune", 4))));
        assertEquals(List.of(9, 4), answer.report().cuts().stream().map(CutRecord::after).toList());
        assertEquals(3, answer.report().cuts().get(1).kept().length);
        assertEquals(4, answer.report().segments().get(1).length());
      }
    }
  }

  @Test void nothingIsLeftAtBudgetZeroAndPicturesAreDecidedApart() {
    PlanReader none = plan(tokens("vision fastervlm", 0), tokens("projected divprune", 0));
    assertEquals(14, Asked.ask(model, Asked.base().maxTokens(1).plan(none)).report().length());
    assertEquals(14, Asked.ask(model, Asked.base().maxTokens(1).plan(plan(tokens("vision fastervlm", 4), tokens("projected mmtok", 0))))
        .report().length());
    PlanReader file = plan(tokens("vision fastervlm", 8), tokens("projected divprune", 4));
    Question both = Question.of("USER: <image>\n<image>\nWhat is this? ASSISTANT:").raw().image(Asked.drawn(40, 90)).image(Asked.drawn(90,
        60)).maxTokens(1);
    List<CutRecord> cuts = Asked.ask(model, both.plan(file)).report().cuts();
    List<CutRecord> alone = Asked.ask(model, Asked.base().plan(file)).report().cuts();
    assertEquals(List.of(0, 0, 1, 1), cuts.stream().map(CutRecord::image).toList());
    assertArrayEquals(alone.get(1).kept(), cuts.get(3).kept());
  }
}
