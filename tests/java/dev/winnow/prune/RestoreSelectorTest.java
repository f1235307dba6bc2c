package dev.winnow.prune;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import dev.winnow.prune.patches.AnchoredReducer;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What RESTORE can be put around, and what of it can be set. */
class RestoreSelectorTest {
  private static final ModelShape SHAPE = new ModelShape(32, 24, true, 22, 24, true);

  /** The selector with its own settings and half of the rows, the odd one included, is the method itself with as many. */
  @ParameterizedTest
  @CsvSource({"holov chunks=4,holov,chunks,4", "holov surplus=refill,holov,surplus,refill"})
  void theSelectorTakesItsOwnSettings(String selector, String method, String parameter, String value) {
    AnchoredReducer around = (AnchoredReducer) plan(selector).visionCuts().get(0).reducer();
    Plan alone = Methods.named(method).plan(SHAPE, Map.of("tokens", "33", parameter, value), OptionalInt.empty(), 576);
    assertEquals(alone.visionCuts().get(0).reducer(), around.selector());
  }

  @ParameterizedTest
  @ValueSource(strings = {"tome", "pyramiddrop", "", "fastervlm tokens=9", "fastervlm blocks=3", "fastervlm block"})
  void whatCannotSelectIsNamed(String selector) {
    String message = assertThrows(InvalidInputException.class, () -> plan(selector)).getMessage();
    assertTrue(message.contains(selector.isEmpty() ? "selector" : selector.split(" ")[selector.split(" ").length - 1].split("=")[0]),
        message);
  }

  private static Plan plan(String selector) {
    return Methods.named("restore_anchors").plan(SHAPE, Map.of("tokens", "65", "selector", selector), OptionalInt.empty(), 576);
  }
}
