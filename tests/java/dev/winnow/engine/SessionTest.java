package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InterruptedWorkException;
import dev.winnow.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SessionTest {
  private static final int[] BASE_IDS = {373, 482, 580, 427, 306, 340, 482, 580};
  private static Model model;

  @BeforeAll static void open() { model = Model.open(Asked.MODEL); }

  @AfterAll static void close() { model.close(); }

  @Test void answersTheBaseQuestion() {
    Answer answer = Asked.ask(model, Asked.base());
    assertArrayEquals(BASE_IDS, answer.ids());
    assertEquals(Answer.Finish.LENGTH, answer.finish());
    assertEquals(0, answer.report().kv().bytesFreed());
    assertEquals(List.of(), answer.report().cuts());
  }

  /** A plan that keeps everything must not change a bit. */
  @ParameterizedTest
  @CsvSource(delimiter = ';', value = {"pyramiddrop;ratios;1,1,1", "fastv;ratio;0", "random;ratio;0", "uniform;ratio;0", "vtw;layer;4"})
  void keepingEverythingChangesNothing(String method, String name, String value) {
    Answer plain = Asked.ask(model, Asked.base());
    Answer kept = Asked.ask(model, Asked.base().method(method).set(name, value));
    assertArrayEquals(plain.report().firstLogits(), kept.report().firstLogits(), 0f);
    assertArrayEquals(plain.ids(), kept.ids());
    assertEquals(0, kept.report().kv().bytesFreed());
    assertArrayEquals(plain.report().kv().lengthsAtEnd(), kept.report().kv().lengthsAtEnd());
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "pyramiddrop", "vtw", "fastv", "random", "uniform"})
  void aTextOnlyPromptIsNeverCut(String method) {
    String prompt = "USER: Name three colors. Answer with one word each. ASSISTANT:";
    int[] plain = Asked.ask(model, Question.of(prompt).raw().maxTokens(8)).ids();
    Answer answer = Asked.ask(model, Question.of(prompt).raw().maxTokens(8).method(method));
    assertArrayEquals(plain, answer.ids());
    assertEquals(List.of(), answer.report().cuts());
    assertEquals(0, answer.report().kv().bytesFreed());
  }

  /** FastV's ranking layer runs once: no layer holds more than the prompt. */
  @ParameterizedTest
  @CsvSource({"2, 0 0 8 8", "1, 0 8 8 8"})
  void fastvDropsFromItsLayerOn(int layer, String less) {
    Answer answer = Asked.ask(model, Asked.base().method("fastv").set("layer", String.valueOf(layer)).set("ratio", "0.5"));
    int length = answer.report().length();
    int[] wanted = Arrays.stream(less.split(" ")).mapToInt(n -> length - Integer.parseInt(n)).toArray();
    assertArrayEquals(wanted, answer.report().kv().lengthsAfterPrompt());
    assertTrue(answer.report().kv().bytesFreed() > 0);
  }

  @Test void everyLayerHoldsEveryTextPosition() {
    String prompt = "USER: " + "word ".repeat(40) + "<image>\nand <image>\nin the middle, which? ASSISTANT:";
    Answer answer = Asked.ask(model, Question.of(prompt).raw().image(Asked.drawn(90, 60)).image(Asked.drawn(60, 90)).maxTokens(4)
        .method("pyramiddrop").set("layers", "1,2").set("ratios", "0.5,0.2"));
    int text = answer.report().length() - 32;
    assertArrayEquals(new int[] {text + 32, text + 16, text + 6, text + 6}, answer.report().kv().lengthsAfterPrompt());
    assertEquals(4, answer.report().cuts().size());
    answer.report().cuts().forEach(cut -> assertTrue(Arrays.stream(cut.kept()).allMatch(i -> i >= 0 && i < 16)));
  }

  /** A conversation over the kept cache says what the whole conversation in one prompt says. */
  @Test void turnsContinueTheCache() {
    String first = "USER: <image>\nWhat is this? ASSISTANT:";
    String second = " USER: And now? ASSISTANT:";
    try (Session session = model.newSession()) {
      Answer one = session.ask(Question.of(first).raw().image(Asked.drawn(90, 60)).maxTokens(4));
      Answer two = session.ask(Question.of(second).raw().maxTokens(6));
      int ids = one.report().promptIds().length + one.ids().length + two.report().promptIds().length;
      assertEquals(ids + 15, two.report().kv().lengthsAfterPrompt()[0], "one placeholder became 16 rows");
      Answer other = session.ask(Question.of(second).raw().maxTokens(2));
      assertEquals(two.report().kv().lengthsAtEnd()[0] + 1 + other.report().length(), other.report().kv().lengthsAfterPrompt()[0],
          "the last token of an answer is not lost");
    }
  }

  @Test void turnsWithImagesAreCutTurnByTurn() {
    try (Session session = model.newSession()) {
      Answer one = session.ask(Asked.base().method("pyramiddrop").set("layers", "2").set("ratios", "0.5"));
      Answer two = session.ask(Asked.base().method("pyramiddrop").set("layers", "2").set("ratios", "0.25"));
      assertEquals(List.of(0), one.report().cuts().stream().map(cut -> cut.image()).toList());
      assertEquals(List.of(1), two.report().cuts().stream().map(cut -> cut.image()).toList());
      int[] lengths = two.report().kv().lengthsAfterPrompt();
      assertEquals(8 + 12, lengths[0] - lengths[2]);
      InvalidInputException refused = assertThrows(InvalidInputException.class, () -> session.ask(Asked.base().method("fastv")));
      assertTrue(refused.getMessage().contains("position policy"), refused.getMessage());
      assertEquals(8, session.ask(Asked.base().method("none")).ids().length, "the session goes on after a refusal");
    }
  }

  /** The listener hears the answer's text, and may end it. */
  @Test void cancellationTakesEffectWithinOneToken() {
    try (Session session = model.newSession()) {
      StringBuilder heard = new StringBuilder();
      Answer answer = session.ask(Asked.base().maxTokens(200).listener(text -> {
        heard.append(text);
        session.cancel();
      }));
      assertEquals(Answer.Finish.CANCELLED, answer.finish());
      assertTrue(answer.ids().length <= 2, "tokens: " + answer.ids().length);
      assertEquals(answer.text(), heard.toString());
      assertEquals(4, session.ask(Question.of(" USER: go on ASSISTANT:").raw().maxTokens(4)).ids().length);
    }
  }

  /** An interrupt ends work between two layers, while the picture is read as well as later, and undoes the question. */
  @Test void anInterruptedThreadUndoesItsQuestion() {
    try (Session session = model.newSession()) {
      session.ask(Asked.base());
      long held = model.kvBytesHeld();
      Question interrupting = Asked.base().listener(text -> Thread.currentThread().interrupt());
      assertThrows(InterruptedWorkException.class, () -> session.ask(interrupting));
      assertThrows(InterruptedWorkException.class, () -> session.ask(Asked.base()), "the thread is still interrupted");
      assertTrue(Thread.interrupted());
      assertEquals(held, model.kvBytesHeld());
      assertEquals(8, session.ask(Asked.base()).ids().length);
    } finally {
      Thread.interrupted();
    }
  }

  /** A question that fails leaves the conversation as it was. */
  @Test void aFailedQuestionIsForgotten() {
    try (Session session = model.newSession(); Session untouched = model.newSession()) {
      session.ask(Asked.base());
      untouched.ask(Asked.base());
      long held = model.kvBytesHeld();
      assertThrows(IllegalStateException.class, () -> session.ask(Asked.base().method("vtw").listener(text -> {
        throw new IllegalStateException("from the listener");
      })));
      assertEquals(held, model.kvBytesHeld());
      Question next = Question.of(" USER: And? ASSISTANT:").raw().maxTokens(6);
      Answer after = session.ask(next);
      Answer wanted = untouched.ask(next);
      assertArrayEquals(wanted.report().firstLogits(), after.report().firstLogits(), 0f);
      assertArrayEquals(wanted.ids(), after.ids());
    }
  }

  /** The same where every token is computed anew and nothing is cached between steps. */
  @Test void aFailedQuestionIsForgottenWithoutACacheToo() {
    try (Session session = model.newSession(); Session untouched = model.newSession()) {
      Question first = Asked.base().method("fastv").set("variant", "inplace");
      assertArrayEquals(untouched.ask(first).ids(), session.ask(first).ids());
      assertThrows(IllegalStateException.class, () -> session.ask(Asked.base().method("fastv").set("variant", "inplace").listener(text -> {
        throw new IllegalStateException("from the listener");
      })));
      assertThrows(InvalidInputException.class, () -> session.ask(Asked.base()), "a cached plan cannot follow");
      Question next = Question.of(" USER: And? ASSISTANT:").raw().maxTokens(6).method("fastv").set("variant", "inplace");
      assertArrayEquals(untouched.ask(next).ids(), session.ask(next).ids());
    }
  }

  @Test void samplingIsReproducible() {
    Sampling sampling = new Sampling(1.5, 0.95, 50, 7);
    int[] once = Asked.ask(model, Asked.base().sampling(sampling)).ids();
    assertArrayEquals(once, Asked.ask(model, Asked.base().sampling(sampling)).ids());
    List<String> seen = new ArrayList<>();
    for (int seed = 0; seed < 5; seed++) {
      seen.add(Arrays.toString(Asked.ask(model, Asked.base().sampling(new Sampling(1.5, 1, 0, seed))).ids()));
    }
    assertTrue(seen.stream().distinct().count() > 1, "seeds differ");
    assertArrayEquals(BASE_IDS, Asked.ask(model, Asked.base().sampling(new Sampling(0.7, 1, 1, 3))).ids(), "top-k 1 is greedy");
  }

  @Test void theThreadCountChangesNothing() {
    for (String method : List.of("none", "pyramiddrop", "fastv")) {
      Answer wanted = Asked.ask(model, Asked.base().method(method));
      for (int threads : new int[] {1, 2, 3}) {
        try (Model other = Model.open(Asked.MODEL, new ModelOptions(null, "cpu", threads))) {
          Answer answer = Asked.ask(other, Asked.base().method(method));
          assertArrayEquals(wanted.ids(), answer.ids(), method + " with " + threads + " threads");
          for (int c = 0; c < wanted.report().cuts().size(); c++) {
            assertArrayEquals(wanted.report().cuts().get(c).kept(), answer.report().cuts().get(c).kept());
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "fastv | layer | 0 | layer from 1 to 3", "fastv | ratio | NaN | ratio=NaN", "fastv | ratio | 1.5 | a number from 0 to 1",
      "fastv | ratio | x | ratio=x", "fastv | depth | 1 | no parameter 'depth'", "pyramiddrop | ratios | 0.5 | as many ratios",
      "pyramiddrop | ratios | 0.1,0.5,0.2 | do not rise",
      "vtw | layer | 5 | layer from 0 to 4", "vtw | positions | drop | keep, renumber", "random | layer | -1 | layer from 0 to 3"})
  void wrongSettingsAreNamed(String method, String name, String value, String says) {
    InvalidInputException e =
        assertThrows(InvalidInputException.class, () -> Asked.ask(model, Asked.base().method(method).set(name, value)));
    assertTrue(e.getMessage().contains(says), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test void edgesOfRatiosWork() {
    assertEquals(0, Asked.ask(model, Asked.base().method("fastv").set("ratio", "1")).report().cuts().get(0).kept().length);
    assertEquals(16, Asked.ask(model, Asked.base().method("fastv").set("ratio", "0")).report().cuts().get(0).kept().length);
    assertEquals(0, Asked.ask(model, Asked.base().maxTokens(0)).ids().length);
  }

  @Test void picturesAndPlaceholdersMustAgree() {
    assertThrows(InvalidInputException.class, () -> Asked.ask(model, Asked.base().image(Asked.drawn(9, 9))));
    Question oneOfTwo = Question.of("USER: <image> <image> x ASSISTANT:").raw().image(Asked.drawn(9, 9));
    assertThrows(InvalidInputException.class, () -> Asked.ask(model, oneOfTwo));
    InvalidInputException unknown = assertThrows(InvalidInputException.class, () -> Asked.base().method("magic"));
    assertTrue(unknown.getMessage().contains("pyramiddrop"), unknown.getMessage());
    assertArrayEquals(BASE_IDS, Asked.ask(model, Asked.base()).ids(), "the next request works");
  }

  @Test void aPromptLongerThanTheModelIsRefused() {
    InvalidInputException e = assertThrows(InvalidInputException.class, () -> Asked.ask(model, Question.of("a b ".repeat(4000)).raw()));
    assertTrue(e.getMessage().contains("4096"), e.getMessage());
  }

  /** The largest budget keeps everything; a smaller one is met on average over the layers. */
  @Test void budgetsAverageOverTheLayers() {
    for (String method : List.of("pyramiddrop", "fastv", "vtw", "random", "uniform")) {
      Answer all = Asked.ask(model, Asked.base().method(method).budget(64));
      assertArrayEquals(BASE_IDS, all.ids(), method);
      Answer ten = Asked.ask(model, Asked.base().method(method).budget(method.equals("vtw") ? 8 : 10));
      int text = ten.report().length() - 16;
      double average = Arrays.stream(ten.report().kv().lengthsAfterPrompt()).average().orElseThrow() - text;
      assertTrue(average <= 10 && average > 7, method + " averages " + average);
    }
  }
}
