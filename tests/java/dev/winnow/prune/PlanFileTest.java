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

/** Plan files: every method of the decoder as one, and complaints that say where. */
class PlanFileTest {
  private static final ModelShape SHAPE = new ModelShape(32, 24, true, 22, 24, true);

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"none|", "pyramiddrop|", "vtw|", "fastv|variant=mask", "fastv|variant=lmms", "fastv|variant=inplace", "random|seed=7", "uniform|",
      "sparsevlm|", "sparsevlm|version=2_0", "sparsevlm|version=rank;layers=2,6,15,19;reconstruction=sum", "mustdrop|", "mustdrop|key_tokens=3,9;positions=keep",
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
    if (plan.vision() != null) assertEquals(plan.vision().reducer().getClass(), read.vision().reducer().getClass());
  }

  @Test void thePlansOfTheDocumentationAreGood() throws IOException {
    String page = Files.readString(Path.of(System.getProperty("winnow.basedir", "."), "docs/plans.md"));
    Matcher examples = Pattern.compile("```json\\n(.*?)```", Pattern.DOTALL).matcher(page);
    int count = 0;
    while (examples.find()) {
      Plan plan = PlanReader.parse(examples.group(1), "docs/plans.md").plan(SHAPE);
      assertFalse(plan.vision() == null && plan.removesNothing());
      assertEquals(PlanWriter.write(plan), PlanWriter.write(PlanReader.parse(PlanWriter.write(plan), "again").plan(SHAPE)));
      count++;
    }
    assertEquals(6, count);
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
      "{\"format\":\"winnow.plan/1\",#\"positions\":\"original\",\"cuts\":[]}|p:2:13: only pictures that a cut before the decoder shortened have this",
      "{\"format\":\"winnow.plan/1\",#\"attention_bias\":{\"sizes\":\"some\"},\"cuts\":[]}|p:2:27: 'some' is not valid here; give one of none, all, even-first",
      "{\"format\":\"winnow.plan/1\",#\"attention_bias\":{\"size\":\"all\"},\"cuts\":[]}|p:2:26: unknown field 'size' in an attention bias",
      "[]|must be an object", "^^|p:1:1: the file is empty"})
  void complaintsNameThePlace(String json, String complaint) {
    String message = assertThrows(InvalidInputException.class, () -> PlanReader.parse(json.replace('#', '\n'), "p").plan(SHAPE)).getMessage();
    assertTrue(message.contains(complaint), message);
    assertEquals(1, message.lines().count(), message);
  }
}
