package dev.winnow.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.engine.Model;
import dev.winnow.prune.Methods;
import dev.winnow.prune.PlanWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvalRunTest {
  private static final ObjectMapper STRICT = new ObjectMapper();
  private static final EvalRun.Asking ASKING = new EvalRun.Asking("", 4);
  private static Model model;

  @TempDir Path folder;

  @BeforeAll static void open() { model = Model.open(TestData.path("parity/models/llava15-mha-56")); }

  @AfterAll static void close() { model.close(); }

  private static List<EvalItem> items(int count) {
    Path picture = TestData.path("pictures/grey2n.png");
    return IntStream.range(0, count)
        .mapToObj(i -> new EvalItem("q" + i, picture, "What is this? " + i, List.of(i % 2 == 0 ? "yes" : "no"),
            i % 3 == 0 ? "odd, family" : "other", Metric.YES_NO))
        .toList();
  }

  private EvalTable run(List<EvalItem> items, List<Integer> budgets, String... variants) {
    List<Variant> all = Arrays.stream(variants).map(Variant::parse).toList();
    return new EvalRun(model, items, all, budgets, ASKING)
        .run(folder.resolve("data.jsonl"), folder.resolve("results.jsonl"), (done, of) -> {});
  }

  private static EvalTable.Row row(EvalTable table, String variant, int budget) {
    return table.rows().stream().filter(row -> row.variant().equals(variant) && row.budget() == budget).findFirst().orElseThrow();
  }

  @Test void tokensEnteringAndAveragedAreTwoFigures() throws Exception {
    EvalTable table = run(items(2), List.of(), "fastv layer=2 ratio=0.75");
    EvalTable.Row fastv = row(table, "fastv layer=2 ratio=0.75", EvalRecord.OWN_SETTINGS);
    assertEquals(16, fastv.averages().entering());
    assertEquals(10, fastv.averages().average());
    assertEquals(16, row(table, "none", EvalRecord.OWN_SETTINGS).averages().average());
    String markdown = new EvalReport(table).markdown();
    assertTrue(markdown.contains("tokens entering the LLM | tokens averaged over layers"));
    assertTrue(markdown.contains("| fastv layer=2 ratio=0.75 | own settings | 16 | 10.0 |"), markdown);
  }

  @Test void baselinesAlwaysTakePartAndABudgetThatCannotBeMetIsReported() throws Exception {
    EvalTable table = run(items(3), List.of(12, 4), "fastv");
    assertEquals(3, row(table, "none", EvalRecord.OWN_SETTINGS).answered());
    assertEquals(12, row(table, "fastv", 12).averages().average());
    assertEquals(12, row(table, "random", 12).averages().average());
    assertEquals(12, row(table, "uniform", 12).averages().average());
    EvalTable.Row unmet = row(table, "fastv", 4);
    assertEquals(0, unmet.answered());
    assertEquals(3, unmet.refused());
    assertTrue(unmet.reason().contains("cannot average 4 of 16"), unmet.reason());
    assertEquals(4, row(table, "random layer=0", 4).averages().entering());
    assertEquals(4, row(table, "uniform layer=0", 4).averages().average());
    assertTrue(new EvalReport(table).markdown().contains("- fastv at 4, 3 of 3 questions: fastv cannot average"));
  }

  @Test void keepingEverythingIsLoyal() throws Exception {
    EvalTable table = run(items(2), List.of(16), "pyramiddrop");
    EvalTable.Row row = row(table, "pyramiddrop", 16);
    assertEquals(1, row.loyalty());
    assertEquals(row(table, "none", EvalRecord.OWN_SETTINGS).accuracy(), row.accuracy());
    assertEquals(1, row.averages().theoretical(), 1e-12);
    assertEquals(row.averages().kvFull(), row.averages().kvHeld());
  }

  @Test void aRunGoesOnWhereItWas() throws Exception {
    run(items(2), List.of(12), "fastv");
    Path results = folder.resolve("results.jsonl");
    String before = Files.readString(results);
    int lines = before.split("\n").length;
    assertEquals(1 + 2 * 4, lines);
    Files.writeString(results, before + "{\"method\":\"fastv\",\"bud"); // a crash in the middle of a line
    EvalTable table = run(items(3), List.of(12), "fastv", "pyramiddrop layers=1 ratios=0.5");
    String after = Files.readString(results);
    assertTrue(after.startsWith(before));
    assertEquals(1 + 3 * 5, after.split("\n").length);
    assertEquals(3, row(table, "fastv", 12).answered());
    assertEquals(after, again(3));
    EvalRun longer = new EvalRun(model, items(1), List.of(), List.of(), new EvalRun.Asking("", 5));
    InvalidInputException other = assertThrows(InvalidInputException.class,
        () -> longer.run(folder.resolve("data.jsonl"), results, (done, of) -> {}));
    assertTrue(other.getMessage().contains("another run"), other.getMessage());
    Files.writeString(results, after + "{broken}\n");
    assertTrue(assertThrows(InvalidInputException.class, () -> run(items(1), List.of(12), "fastv")).getMessage().contains("line 17"));
  }

  private String again(int count) throws Exception {
    run(items(count), List.of(12), "fastv", "pyramiddrop layers=1 ratios=0.5");
    return Files.readString(folder.resolve("results.jsonl"));
  }

  @Test void aPictureThatCannotBeReadIsAQuestionWithoutAnswer() throws Exception {
    Path broken = Files.writeString(folder.resolve("broken.png"), "no picture");
    List<EvalItem> items = List.of(new EvalItem("bad", broken, "?", List.of("yes"), "f", Metric.EXACT), items(1).get(0));
    EvalTable table = run(items, List.of(12), "fastv");
    assertEquals(1, row(table, "none", EvalRecord.OWN_SETTINGS).refused());
    assertTrue(row(table, "none", EvalRecord.OWN_SETTINGS).reason().contains("broken.png"));
    assertEquals(1, row(table, "fastv", 12).answered());
  }

  @Test void aQuestionWithoutPictureHasNothingToPrune() throws Exception {
    EvalItem text = new EvalItem("text", null, "What is this?", List.of("x"), "f", Metric.EXACT);
    EvalTable table = run(List.of(text), List.of(12), "fastv", "vtw");
    for (EvalTable.Row row : table.rows()) {
      assertEquals(1, row.loyalty());
      assertEquals(0, row.averages().entering());
    }
  }

  @Test void filesAreStrictAndTheSameInEveryLocale() throws Exception {
    List<EvalItem> items = items(4);
    EvalTable table = run(items, List.of(12, 4), "fastv", "vtw");
    Locale before = Locale.getDefault();
    String csv = new EvalReport(table).csv();
    String markdown = new EvalReport(table).markdown();
    try {
      for (Locale locale : List.of(Locale.GERMANY, new Locale("tr", "TR"), new Locale("ar", "EG"))) {
        Locale.setDefault(locale);
        assertEquals(csv, new EvalReport(table).csv());
        assertEquals(markdown, new EvalReport(table).markdown());
        assertEquals(Files.readString(folder.resolve("results.jsonl")), rerun(items));
      }
    } finally {
      Locale.setDefault(before);
    }
    new EvalReport(table).write(folder.resolve("out"));
    JsonNode json = STRICT.readTree(folder.resolve("out/table.json").toFile());
    for (JsonNode row : json.get("rows")) if (row.get("answered").asInt() == 0) assertTrue(row.get("accuracy").isNull());
    for (String line : Files.readAllLines(folder.resolve("results.jsonl"))) STRICT.readTree(line);
    String[] lines = csv.split("\n");
    assertEquals(table.rows().size() + 1, lines.length);
    assertTrue(lines[0].contains("\"accuracy_odd, family\""), lines[0]);
    assertTrue(csv.matches("(?s)[^\u0660-\u0669]*"));
    for (String name : List.of("accuracy-budget.png", "accuracy-time.png")) {
      assertTrue(ImageIO.read(folder.resolve("out/" + name).toFile()).getWidth() > 710, name);
    }
  }

  private String rerun(List<EvalItem> items) throws Exception {
    run(items, List.of(12, 4), "fastv", "vtw");
    return Files.readString(folder.resolve("results.jsonl"));
  }

  @Test void precisionAndRecallOfYes() {
    List<EvalItem> items = List.of(item("a", "yes"), item("b", "yes"), item("c", "no"), item("d", "no"));
    EvalTable table = EvalTable.of(items,
        List.of(record("a", "yes", 1), record("b", "no", 0), record("c", "Yes.", 0), record("d", "yes it is", 0)));
    EvalTable.YesNo yesNo = table.rows().get(0).yesNo().get("pope");
    assertEquals(1.0 / 3, yesNo.precision(), 1e-12);
    assertEquals(0.5, yesNo.recall(), 1e-12);
    assertEquals(0.4, yesNo.f1(), 1e-12);
    assertEquals(0.75, yesNo.yesShare(), 1e-12);
    assertNull(table.rows().get(0).reason());
  }

  private static EvalItem item(String id, String answer) { return new EvalItem(id, null, "?", List.of(answer), "pope", Metric.YES_NO); }

  private static EvalRecord record(String id, String text, double score) {
    EvalRecord.Measured measured = new EvalRecord.Measured(16, 16, 1, 1, 1, 1, 0, Double.NaN, 1);
    return new EvalRecord("none", EvalRecord.OWN_SETTINGS, id, null, text, score, true, 16, measured);
  }

  @Test void aPlanFileTakesPartOnceWhateverTheBudgets() throws Exception {
    Path file = folder.resolve("mine.json");
    Map<String, String> settings = Map.of("layer", "1", "ratio", "0.5");
    Files.writeString(file, PlanWriter.write(Methods.named("fastv").plan(model.shape(), settings, OptionalInt.empty(), 0)));
    EvalTable table = new EvalRun(model, items(2), List.of(Variant.plan(file)), List.of(12, 4), ASKING)
        .run(folder.resolve("data.jsonl"), folder.resolve("results.jsonl"), (done, of) -> {});
    assertEquals(10, row(table, "plan mine.json", EvalRecord.OWN_SETTINGS).averages().average());
    assertEquals(1, table.rows().stream().filter(row -> row.variant().startsWith("plan")).count());
    Path namesake = Files.copy(file, Files.createDirectory(folder.resolve("other")).resolve("mine.json"));
    InvalidInputException twice = assertThrows(InvalidInputException.class,
        () -> new EvalRun(model, items(1), List.of(Variant.plan(file), Variant.plan(namesake)), List.of(), ASKING));
    assertTrue(twice.getMessage().contains("'plan mine.json'"), twice.getMessage());
    Files.writeString(file, "{\"format\": \"other\"}");
    assertThrows(InvalidInputException.class, () -> Variant.plan(file));
  }

  @Test void variantsAreReadAndRefused() {
    assertEquals("fastv layer=3 ratio=0.5", Variant.parse(" fastv  layer=3 ratio=0.5 ").label());
    assertTrue(assertThrows(InvalidInputException.class, () -> Variant.parse("fastv depth=3")).getMessage().contains("depth"));
    assertThrows(InvalidInputException.class, () -> Variant.parse("fastv layer"));
    assertThrows(InvalidInputException.class, () -> Variant.parse("slowv"));
  }
}
