package dev.winnow.calibrate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.engine.Answer;
import dev.winnow.engine.Model;
import dev.winnow.engine.PromptSize;
import dev.winnow.engine.Question;
import dev.winnow.engine.Session;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlannedRows;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class BudgetTargetTest {
  private static final Path PICTURE = TestData.path("pictures/exif1.jpg");
  private static final CostModel DECODER = new CostModel(2, 0.01, 1e-5);
  private static final PromptCost COST = cost(0);
  private static Model model;

  @BeforeAll static void open() { model = Model.open(TestData.path("../../java/dev/winnow/demo/shapes-llava")); }

  @AfterAll static void close() { model.close(); }

  /** Of a picture of 576 tokens, with so many milliseconds of pruning in the decoder when none of them stays, and none when all do. */
  private static PromptCost cost(double pruning) {
    return new PromptCost(DECODER, 30, new PruningCost(576, List.of(new PruningCost.Point(0, 30, pruning, 1),
        new PruningCost.Point(1, 30, 0, 1))));
  }

  private static Question question() { return Question.of("Describe the image.").image(PICTURE).maxTokens(3); }

  private static PromptSize size() {
    try (Session session = model.newSession()) {
      return session.size(question());
    }
  }

  private static IntFunction<Plan> plans(String method, Map<String, String> settings) {
    return budget -> Methods.named(method).plan(model.shape(), settings, OptionalInt.of(budget), 576);
  }

  private static BudgetTarget.Choice choose(double bytes, double millis, String method) {
    return new BudgetTarget(bytes, millis, Double.isInfinite(millis) ? null : COST)
        .choose(size(), model.config().text(), model.dtype(), plans(method, Map.of()));
  }

  @Test void sizeIsWhatAskingBrings() {
    try (Session session = model.newSession()) {
      for (Question question : List.of(question(), Question.of("Are you sure?").maxTokens(2), question())) {
        PromptSize size = session.size(question);
        int[] before = size.cached();
        Answer answer = session.ask(question);
        int[] after = answer.report().kv().lengthsAfterPrompt();
        int images = size.images().length == 0 ? 0 : size.images()[0];
        for (int layer = 0; layer < after.length; layer++) assertEquals(after[layer], before[layer] + size.text() + images);
      }
    }
  }

  /** What a budget will hold is known before the question is asked, for every method that can meet it: rows and bytes. */
  @Test void foreseesRowsAndBytesOfEveryMethod() {
    int exact = 0;
    for (Method method : Methods.all()) {
      Map<String, String> settings = List.of("cdpruner", "eadp").contains(method.name()) ? Map.of("relevance", "none") : Map.of();
      for (int budget : new int[] {300, 576}) {
        Plan plan;
        try {
          plan = plans(method.name(), settings).apply(budget);
        } catch (InvalidInputException e) {
          continue;
        }
        try (Session session = model.newSession()) {
          PromptSize size = session.size(question());
          BudgetTarget.Choice expected = new BudgetTarget(Double.MAX_VALUE, Double.POSITIVE_INFINITY, null)
              .choose(size, model.config().text(), model.dtype(), any -> plan);
          Answer answer = session.ask(question().plan(plan));
          int[] rows = PlannedRows.of(plan, model.shape().layers(), 576);
          int[] held = answer.report().kv().lengthsAfterPrompt();
          for (int layer = 0; layer < rows.length; layer++) rows[layer] += size.text();
          // merging by likeness in MustDrop's tower, and its cut of the cache, depend on the picture
          if (method.name().equals("mustdrop")) {
            for (int layer = 0; layer < rows.length; layer++) assertTrue(held[layer] <= rows[layer], method.name());
            assertTrue(answer.report().kv().bytesHeld() <= expected.kvBytes());
          } else {
            assertArrayEquals(rows, held, method.name() + " at " + budget);
            assertEquals(answer.report().kv().bytesHeld(), expected.kvBytes(), method.name() + " at " + budget);
            exact++;
          }
        }
      }
    }
    assertTrue(exact >= 30, "only " + exact + " plans were compared");
  }

  @Test void takesTheLargestBudgetThatFits() {
    double full = choose(Double.MAX_VALUE, Double.POSITIVE_INFINITY, "fastv").kvBytes();
    int before = 577;
    for (double share : new double[] {1, 0.8, 0.6, 0.5}) {
      BudgetTarget.Choice choice = choose(share * full, Double.POSITIVE_INFINITY, "fastv");
      assertTrue(choice.kvBytes() <= share * full, choice.toString());
      assertTrue(choice.budget() < before, "a smaller target takes a smaller budget: " + choice);
      before = choice.budget();
      if (share == 1) continue;
      BudgetTarget.Choice next = new BudgetTarget(Double.MAX_VALUE, Double.POSITIVE_INFINITY, null).choose(size(), model.config().text(),
          model.dtype(), any -> plans("fastv", Map.of()).apply(choice.budget() + 1));
      assertTrue(next.kvBytes() > share * full, "one token more would not fit: " + next);
    }
    BudgetTarget.Choice time = choose(Double.MAX_VALUE, 60, "pyramiddrop");
    assertTrue(time.millis() <= 60 && time.budget() > choose(Double.MAX_VALUE, 55, "pyramiddrop").budget(), time.toString());
    assertTrue(Double.isNaN(choose(full, Double.POSITIVE_INFINITY, "fastv").millis()));
  }

  @Test void countsWhatPruningTakes() {
    int before = 577;
    for (double pruning : new double[] {0, 4, 8}) {
      BudgetTarget.Choice choice = new BudgetTarget(Double.POSITIVE_INFINITY, 60, cost(pruning))
          .choose(size(), model.config().text(), model.dtype(), plans("pyramiddrop", Map.of()));
      assertTrue(choice.millis() <= 60 && choice.budget() < before, "the more pruning takes, the less may stay: " + choice);
      before = choice.budget();
    }
  }

  @Test void saysWhatCanBeHadWhereNothingFits() {
    String memory = assertThrows(InvalidInputException.class, () -> choose(1000, Double.POSITIVE_INFINITY, "fastv")).getMessage();
    assertTrue(memory.matches("the KV cache would hold [0-9.]+ MiB at least, at a budget of 11[5-9], more than .*"), memory);
    String time = assertThrows(InvalidInputException.class, () -> choose(Double.MAX_VALUE, 31, "fastervlm")).getMessage();
    assertTrue(time.contains("at a budget of 0, more than the 31.0 ms of --target-ms"), time);
    String refused = assertThrows(InvalidInputException.class, () -> new BudgetTarget(1e9, Double.POSITIVE_INFINITY, null)
        .choose(size(), model.config().text(), model.dtype(), plans("cdpruner", Map.of()))).getMessage();
    assertNotNull(refused);
    for (double wrong : new double[] {0, -1, Double.NaN}) {
      assertThrows(InvalidInputException.class, () -> new BudgetTarget(wrong, Double.POSITIVE_INFINITY, null));
    }
  }
}
