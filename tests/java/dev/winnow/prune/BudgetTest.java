package dev.winnow.prune;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** {@code --budget N}: tokens of one picture on average over the layers, for every method; who cannot hold them says so. */
class BudgetTest {
  private static final ModelShape SHAPE = new ModelShape(32, 24, true, 22, 24, true);

  private static Plan plan(Method method, int budget) { return method.plan(SHAPE, Map.of(), OptionalInt.of(budget), 576); }

  private static List<Method> pruning() { return Methods.all().stream().filter(method -> !method.name().equals("none")).toList(); }

  @Test void beforeTheDecoderItIsTheNumberOfRowsThatEnter() {
    List<Method> before = pruning().stream().filter(method -> !plan(method, 576).visionCuts().isEmpty()
        && plan(method, 576).cuts().isEmpty()
        && !method.name().equals("mustdrop")).toList();
    assertEquals(16, before.size());
    for (Method method : before) {
      Plan plan = plan(method, 192);
      assertEquals("192", plan.parameters().get("tokens"), method.name());
      assertFalse(plan.visionCuts().get(0).reducer().keepsAll(193), method.name());
      assertTrue(plan.visionCuts().get(0).reducer().keepsAll(192), method.name());
    }
  }

  @Test void everyParameterSaysWhereItComesFrom() {
    for (Method method : Methods.all()) {
      for (Parameter parameter : method.parameters()) {
        boolean sourced = parameter.meaning().matches(".*(paper|code|ours|README|HydraInfer|EffiVLM|Cen-Prune|[a-zA-Z]_[a-zA-Z]).*");
        assertTrue(sourced, method.name() + " " + parameter.name() + ": " + parameter.meaning());
      }
    }
  }

  /** The layers up to the first cut hold more than 20 on average already; VTW moves its only cut. */
  @Test void insideTheDecoderOutOfReachIsRefused() {
    for (String name : List.of("random", "uniform", "fastv", "dart", "sparsevlm", "mustdrop", "pyramiddrop")) {
      Method method = Methods.named(name);
      String complaint = assertThrows(InvalidInputException.class, () -> plan(method, 20), name).getMessage();
      assertTrue(complaint.contains(name) && complaint.contains("20") && complaint.contains("576"), complaint);
    }
    assertEquals("1", plan(Methods.named("vtw"), 20).parameters().get("layer"));
  }
}
