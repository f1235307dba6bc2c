package dev.winnow.prune;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Plan files: every method of the decoder as one, and complaints that say where. */
class PlanFileTest {
  private static final ModelShape SHAPE = new ModelShape(32, 24, true, 22, 24, true);

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"none|", "pyramiddrop|", "vtw|", "fastv|variant=mask", "fastv|variant=lmms", "fastv|variant=inplace",
      "random|seed=7", "uniform|", "sparsevlm|", "sparsevlm|version=2_0",
      "sparsevlm|version=rank;layers=2,6,15,19;reconstruction=sum", "mustdrop|", "mustdrop|key_tokens=3,9;positions=keep",
      "mustdrop|average=64", "dart|", "dart|keep=17", "dart|ratio=0.7", "fastervlm|", "visionzip|", "tome|", "prumerge|", "divprune|",
      "cdpruner|relevance=none", "restore_anchors|", "restore_anchors|selector=cdpruner relevance=none",
      "restore_anchors|positions=contiguous;sizes=all;distance=none"})
  void aMethodSurvivesWritingAndReading(String method, String settings) {
    Map<String, String> given = settings == null ? Map.of() : Settings.typed(List.of(settings.split(";")));
    Plan plan = Methods.named(method).plan(SHAPE, given, OptionalInt.empty(), 576);
    String json = PlanWriter.write(plan);
    Plan read = PlanReader.parse(json, "plan.json").plan(SHAPE);
    assertEquals(json, PlanWriter.write(read));
    assertEquals(plan.cuts().size(), read.cuts().size());
    assertEquals(plan.positions(), read.positions());
    assertEquals(plan.bias(), read.bias());
    assertEquals(plan.cached(), read.cached());
    assertEquals(plan.cacheCuts(), read.cacheCuts());
    assertEquals(reducers(plan), reducers(read));
  }

  private static List<Class<?>> reducers(Plan plan) {
    return plan.visionCuts().stream().<Class<?>>map(cut -> cut.reducer().getClass()).toList();
  }

  @Test void thePlansOfTheDocumentationAreGood() throws IOException {
    String page = Files.readString(Path.of(System.getProperty("winnow.basedir", "."), "docs/plans.md"));
    Matcher examples = Pattern.compile("```json\\n(.*?)```", Pattern.DOTALL).matcher(page);
    int count = 0;
    while (examples.find()) {
      Plan plan = PlanReader.parse(examples.group(1), "docs/plans.md").plan(SHAPE);
      assertFalse(plan.visionCuts().isEmpty() && plan.removesNothing());
      assertEquals(PlanWriter.write(plan), PlanWriter.write(PlanReader.parse(PlanWriter.write(plan), "again").plan(SHAPE)));
      count++;
    }
    assertEquals(7, count);
  }

  /** The part that the page shows is the one that the tests load and run, and short. */
  @Test void thePartOfTheDocumentationIsTheTestedOne() throws IOException {
    Path base = Path.of(System.getProperty("winnow.basedir", "."));
    String tested = body(Files.readString(base.resolve("tests/java/dev/winnow/prune/RowNorms.java")));
    assertTrue(Files.readString(base.resolve("docs/plans.md")).contains(tested));
    assertTrue(tested.lines().count() < 50);
    assertTrue(Parts.names().get("scorer").contains("row-norms"), "found by the service loader");
  }

  private static String body(String source) { return source.substring(source.indexOf("public final class")); }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '^', value = {
      "{\"format\":\"winnow.plan/1\",#\"cuts\":[{\"site\":\"layer:2\",#\"selector\":{\"name\":\"tops\"}}]}|p:3:20: unknown selector 'tops'",
      "{\"format\":\"winnow.plan/1\",#\"cuts\":[{\"site\":\"layer:2\",#\"selector\":{\"name\":\"top\",#\"share\":1.5}}]}|p:4:9: selector 'top': parameter share=1.5",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"layer:32\",\"selector\":{\"name\":\"none\"}}]}|p:1:43: this model has layers 0 to 31",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"layers:3\",\"selector\":{\"name\":\"none\"}}]}|p:1:43: 'layers:3' is no site",
      "{\"format\":\"winnow.plan/1\",\"cut\":[]}|p:1:33: unknown field 'cut'",
      "{\"format\":\"winnow.plan/2\",\"cuts\":[]}|p:1:11: 'winnow.plan/2' is not valid here",
      "{\"format\":\"winnow.plan/1\"}|p:1:1: 'cuts' is missing",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[}|p:1:35: not valid JSON",
      "{\"format\":\"winnow.plan/1\",\"format\":\"winnow.plan/1\",\"cuts\":[]}|not valid JSON: Duplicate",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[]} x|p:1:38: not valid JSON",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"decode\",\"selector\":{\"name\":\"none\"}}]}|p:1:35: 'every' is missing",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"cache\",\"selector\":{\"name\":\"top\",\"tokens\":3}}]}|needs a scorer",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"layer:0\",\"scorer\":{\"name\":\"last-row-attention\"},\"selector\":{\"name\":\"top\",\"tokens\":3}}]}|layer 0 has none",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"vision\",\"reducer\":{\"name\":\"fastervlm\",#\"tokens\":-3}}]}|p:2:10: method 'fastervlm': parameter tokens=-3",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"vision\",\"reducer\":{\"name\":\"fastv\"}}]}|method 'fastv' does not cut before the decoder",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"projected\",\"reducer\":{\"name\":\"fastervlm\"}}]}|p:1:43: method 'fastervlm' cuts at vision",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"projected\",\"reducer\":{\"name\":\"divprune\"}},#{\"site\":\"vision\",\"reducer\":{\"name\":\"fastervlm\"}}]}|p:2:9: cuts before the decoder stand in the order vision:N, vision, projected, one of each at most; 'fastervlm' at vision cannot follow 'divprune' at projected",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"vision\",\"reducer\":{\"name\":\"visionzip\"}},#{\"site\":\"vision\",\"reducer\":{\"name\":\"fastervlm\"}}]}|p:2:9: cuts before the decoder stand in the order",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"vision\",\"reducer\":{\"name\":\"fastervlm\"}},#{\"site\":\"projected\",\"reducer\":{\"name\":\"holov\"}}]}|p:2:9: 'holov' at projected goes by where patches lie in the picture, and 'fastervlm' at vision before it does not leave them all in place; leave one of the two out, or use a method here",
      "{\"format\":\"winnow.plan/1\",#\"positions\":\"original\",\"cuts\":[]}|p:2:13: only pictures that a cut before the decoder shortened have this",
      "{\"format\":\"winnow.plan/1\",#\"attention_bias\":{\"sizes\":\"some\"},\"cuts\":[]}|p:2:27: 'some' is not valid here; give one of none, all, even-first",
      "{\"format\":\"winnow.plan/1\",#\"attention_bias\":{\"size\":\"all\"},\"cuts\":[]}|p:2:26: unknown field 'size' in an attention bias",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"layer:2\",#\"selector\":{\"name\":\"top\",\"tokens\":2}}]}|p:2:12: this selector needs a scorer",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"layer:2\",#\"selector\":{\"name\":\"rank\"}}]}|p:2:12: this selector looks at single text rows",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"layer:2\",\"scorer\":{\"name\":\"key-norms\"},#\"selector\":{\"name\":\"dual-filter\"}}]}|p:2:12: this selector looks at",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"layer:2\",\"scorer\":{\"name\":\"random\"},#\"selector\":{\"name\":\"duplication\",\"tokens\":8}}]}|p:2:12: this selector needs the scorer key-norms",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"layer:2\",#\"selector\":{\"name\":\"survivors\"}}]}|p:2:12: only caches have survivors",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"cache\",#\"layers\":[],\"selector\":{\"name\":\"none\"}}]}|p:2:10: name at least one layer",
      "{\"format\":\"winnow.plan/1\",#\"positions\":\"ke\\nep\",\"cuts\":[]}|p:2:13: 'ke ep' is not valid here; give one of",
      "{\"format\":\"winnow.plan/1\",#\"cuts\":[NaN]}|p:2:12: not valid JSON",
      "{\"format\":\"winnow.plan/1\",\"cuts\":[7]}|p:1:35: an object is wanted here",
      "[]|must be an object", "^^|p:1:1: the file is empty"})
  void complaintsNameThePlace(String json, String complaint) {
    String message = assertThrows(InvalidInputException.class, () -> PlanReader.parse(json.replace('#', '\n'), "p").plan(SHAPE))
        .getMessage();
    assertTrue(message.contains(complaint), message);
    assertEquals(1, message.lines().count(), message);
  }

  /** Methods that go by the grid must find all of it; the others run behind a merge or a selection. */
  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"vision|hired|true", "vision|hiprune|true", "vision|prumerge_plus|true", "vision|fopru|false",
      "vision|fopru strategy=row|true", "vision|prumerge|false", "vision|visionzip|false", "vision|fastervlm|false", 
      "vision|vispruner|false", "vision|scope|false", "projected|holov|true", "projected|divprune|false", "projected|mmtok|false",
      "projected|cdpruner relevance=none|false", "projected|eadp relevance=none|false", "projected|eadp|true",
      "projected|restore_anchors|false", "projected|restore_anchors selector=hired|true"})
  void aMethodThatGoesByTheGridStandsFirst(String site, String method, boolean refused) {
    String[] words = method.split(" ", 2);
    String field = words.length == 1 ? "" : ",\"" + words[1].replace("=", "\":\"") + "\"";
    String json = "{\"format\":\"winnow.plan/1\",\"cuts\":[{\"site\":\"vision:0\",\"reducer\":{\"name\":\"tome\"}},\n{\"site\":\"" + site
        + "\",\"reducer\":{\"name\":\"" + words[0] + "\"" + field + "}}]}";
    if (refused) {
      String message = assertThrows(InvalidInputException.class, () -> PlanReader.parse(json, "p").plan(SHAPE)).getMessage();
      assertTrue(message.startsWith("p:2:9: '" + words[0] + "' at " + site + " goes by"), message);
      assertTrue(message.contains("'tome' at vision:0"), message);
      return;
    }
    Plan plan = PlanReader.parse(json, "p").plan(SHAPE);
    assertEquals(List.of(Site.visionBlock(0), Site.parse(site)), plan.visionCuts().stream().map(VisionCut::site).toList());
    assertEquals(PlanWriter.write(plan), PlanWriter.write(PlanReader.parse(PlanWriter.write(plan), "again").plan(SHAPE)));
  }

  @Test void depthAndLengthHaveBounds() {
    String deep = "{\"format\":\n" + "[".repeat(100_000);
    String message = assertThrows(InvalidInputException.class, () -> PlanReader.parse(deep, "p")).getMessage();
    assertTrue(message.startsWith("p:2:") && message.contains("nesting depth"), message);
    String endless = "{\"format\":\"" + "x".repeat(100_000) + "\"}";
    String shortened = assertThrows(InvalidInputException.class, () -> PlanReader.parse(endless, "p")).getMessage();
    assertTrue(shortened.length() < 500 && shortened.endsWith("give one of winnow.plan/1"), shortened);
  }

  @Test void aByteOrderMarkIsNoPartOfThePlan() {
    assertTrue(PlanReader.parse("\uFEFF{\"format\":\"winnow.plan/1\",\"cuts\":[]}", "p").plan(SHAPE).removesNothing());
  }

  /** What a method takes from the model by itself is left to the model that the plan meets. */
  @ParameterizedTest
  @ValueSource(strings = {"fastervlm", "visionzip", "prumerge", "hired", "fopru", "scope", "hiprune", "holov", "mustdrop"})
  void aPlanDoesForASmallerTower(String method) {
    ModelShape small = new ModelShape(4, 3, true, 1, 4, false);
    String json = PlanWriter.write(Methods.named(method).plan(new ModelShape(4, 24, true, 22, 24, false), Map.of(), OptionalInt.empty(), 0),
        new ModelShape(4, 24, true, 22, 24, false));
    Plan own = Methods.named(method).plan(small, Map.of(), OptionalInt.empty(), 0);
    assertEquals(own.visionCuts().get(0).reducer().needs(), PlanReader.parse(json, "p").plan(small).visionCuts().get(0).reducer().needs());
  }

  @Test void aCutBehindTheLastLayerHasNoPlaceInAPlanFile() {
    Plan plan = Methods.named("sparsevlm").plan(SHAPE, Map.of("layers", "2,31", "keep", "9,5"), OptionalInt.empty(), 576);
    String message = assertThrows(InvalidInputException.class, () -> PlanWriter.write(plan, SHAPE)).getMessage();
    assertTrue(message.endsWith("leave layer 31 out"), message);
  }
}
