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

  private static Plan both(String method, int budget, String... settings) {
    return Methods.named(method).plan(SHAPE, Settings.typed(List.of(settings)), OptionalInt.of(budget), 576);
  }

  @Test void whatSaysOtherwiseHowManyStayIsRefusedBesideABudget() {
    String[][] stated = {{"fastv", "ratio=0.75"}, {"fastv", "keep=100"}, {"random", "keep=100"}, {"uniform", "ratio=0.9"},
        {"dart", "tokens=96"}, {"dart", "keep=80"}, {"dart", "ratio=0.9"}, {"pyramiddrop", "ratios=0.5,0.25,0.1"}, {"vtw", "layer=3"},
        {"sparsevlm", "keep=50,40,30"}, {"sparsevlm", "table=64"}, {"mustdrop", "average=100"}, {"mustdrop", "global_thr=0.01"},
        {"fastervlm", "tokens=100"}, {"tome", "r=8"}, {"tome", "tokens=300"}, {"divprune", "ratio=0.1"}, {"hired", "rate=0.3"},
        {"prumerge", "adaptive=false"}, {"fopru", "ratio=0.1"}, {"restore_anchors", "tokens=100"}};
    for (String[] one : stated) {
      String complaint = assertThrows(InvalidInputException.class, () -> both(one[0], 192, one[1]), one[0]).getMessage();
      assertTrue(complaint.startsWith("method '" + one[0] + "': " + one[1] + " and a budget of 192 both say how many tokens stay"),
          complaint);
    }
  }

  @Test void whatAgreesWithTheBudgetOrSaysSomethingElseIsTaken() {
    assertEquals("100", both("fastervlm", 100, "tokens=100").parameters().get("tokens"));
    assertEquals("6", both("vtw", 108, "layer=6").parameters().get("layer"));
    String keep = plan(Methods.named("fastv"), 200).parameters().get("keep");
    assertEquals(keep, both("fastv", 200, "keep=" + keep).parameters().get("keep"));
    assertEquals("0.5", both("fastv", 306, "ratio=0.5").parameters().get("ratio"), "288 of 576 behind layer 2 average 306");
    assertEquals("192", both("mustdrop", 192, "average=192", "cache=false").parameters().get("average"));
    assertEquals("0.7", both("vispruner", 100, "ratio=0.7").parameters().get("ratio"), "this ratio divides what stays");
    both("sparsevlm", 192, "layers=1,5", "recycle=0");
    both("fastv", 192, "keep=", "layer=1");
    assertEquals("100", Methods.named("fastv").plan(SHAPE, Map.of("keep", "100"), OptionalInt.of(192), 0).parameters().get("keep"),
        "without a picture there is nothing to agree about");
  }
}
