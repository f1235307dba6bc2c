package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.prune.Methods;
import dev.winnow.prune.Plan;
import dev.winnow.prune.TowerMerge;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.VisionObserver;
import java.util.Map;
import java.util.OptionalInt;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What cannot be done with a picture is said as soon as it is known: before the tower, or in its middle, but not behind it. */
class EarlyRefusalTest {
  /** So far from its tiles' shape that packing leaves out many of their patches. */
  private static final int WIDTH = 168;
  private static final int HEIGHT = 100;
  private static Model tiled;

  @BeforeAll static void open() { tiled = Model.open(TestData.path("parity/models/llava-next-mistral-84")); }

  @AfterAll static void close() { tiled.close(); }

  private static Question question() {
    return Question.of("[INST] <image>\nWhat is this? [/INST]").raw().image(Asked.drawn(WIDTH, HEIGHT)).maxTokens(1);
  }

  private static PixelBatch picture() { return tiled.images().prepare(Asked.drawn(WIDTH, HEIGHT), false); }

  private static int patches() { return picture().tiles() * tiled.config().vision().patches(); }

  private static Plan plan(String method, Map<String, String> settings, int budget) {
    return Methods.named(method).plan(tiled.shape(), settings, OptionalInt.of(budget), tiled.images().tokens(picture()));
  }

  private static String refused(Question question) {
    return assertThrows(InvalidInputException.class, () -> Asked.ask(tiled, question)).getMessage();
  }

  @Test void tomeKnowsBeforeTheTowerWhatItsBlocksCanMerge() {
    // 37 tokens of a tile halved in two blocks, class token apart, are ten
    int least = 9 * picture().tiles();
    tiled.images().check(picture(), plan("tome", Map.of(), least));
    String message = assertThrows(InvalidInputException.class, () -> tiled.images().check(picture(), plan("tome", Map.of(), least - 1)))
        .getMessage();
    assertTrue(message.contains("cannot leave " + (least - 1) + " of this picture; give a larger budget"), message);
    assertEquals(message, refused(question().method("tome").budget(least - 1)));
    assertEquals(least, Asked.ask(tiled, question().method("tome").budget(least)).report().cuts().get(0).after());
  }

  /** The smallest budget that the packed picture could hold, and all patches of its tiles cannot. */
  @Test void mustDropKnowsBehindTheBlockThatMerges() {
    Map<String, String> never = Map.of("merge", "1");
    int budget = 0;
    while (true) {
      try {
        plan("mustdrop", never, budget);
        break;
      } catch (InvalidInputException e) {
        budget++;
      }
    }
    assertTrue(tiled.images().tokens(picture()) < patches(), "packing leaves patches out");
    Plan plan = plan("mustdrop", never, budget);
    Blocks blocks = new Blocks();
    try (TowerMerge merge = plan.visionCuts().get(0).reducer().towerMerge(0, plan::checkEntering)) {
      blocks.inner = merge;
      assertThrows(InvalidInputException.class, () -> tiled.images().features(picture(), blocks));
    }
    assertEquals(1, blocks.run, "the tower ends behind the block that merges");
    String message = refused(question().method("mustdrop").set("merge", "1").budget(budget));
    assertTrue(message.startsWith("a picture that enters with " + patches() + " tokens cannot average " + budget), message);
    // merging every window, it enters with few enough
    Answer answer = Asked.ask(tiled, question().method("mustdrop").set("merge", "-1").budget(budget));
    assertTrue(answer.report().cuts().get(0).after() < patches());
  }

  private static final class Blocks implements VisionObserver {
    VisionObserver inner;
    int run;

    @Override public Tensor afterBlock(int block, Tensor hidden) {
      run++;
      return inner.afterBlock(block, hidden);
    }
  }
}
