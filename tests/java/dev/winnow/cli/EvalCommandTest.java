package dev.winnow.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.TestData;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code winnow eval}, {@code explain} and {@code calibrate} as they are typed. */
class EvalCommandTest {
  private static final String MODEL = TestData.path("parity/models/llava15-mha-56").toString();

  @TempDir Path folder;
  private Path data;
  private String out;
  private String err;

  @BeforeEach void questions() throws Exception {
    Files.copy(TestData.path("pictures/exif1.jpg"), folder.resolve("bild ä.jpg"));
    data = Files.writeString(folder.resolve("questions.jsonl"), """
        {"image": "bild ä.jpg", "question": "What is this?", "answer": "cat"}
        {"image": "bild ä.jpg", "question": "Is it red?", "answer": "yes", "family": "colour"}
        """);
  }

  private int winnow(String command, String... more) {
    List<String> args = new ArrayList<>(List.of(command));
    args.addAll(List.of(more));
    ByteArrayOutputStream stdout = new ByteArrayOutputStream();
    ByteArrayOutputStream stderr = new ByteArrayOutputStream();
    Console console = new Console(
        new PrintStream(stdout, true, StandardCharsets.UTF_8), new PrintStream(stderr, true, StandardCharsets.UTF_8));
    int status = Winnow.run(args.toArray(new String[0]), console);
    out = stdout.toString(StandardCharsets.UTF_8);
    err = stderr.toString(StandardCharsets.UTF_8);
    return status;
  }

  private int eval(String... more) {
    String[] args = {"--model", MODEL, "--data", data.toString(), "--out", folder.resolve("out").toString(), "--max-tokens", "2"};
    return winnow("eval", with(args, more));
  }

  /** Results of a run without CLIP hold refusals: they are not taken for those of one with it. */
  @Test void clipIsPartOfWhatResultsDependOn() throws Exception {
    String[] methods = {"--methods", "cdpruner,eadp", "--budgets", "5"};
    assertEquals(0, eval(methods), () -> err);
    assertTrue(out.contains("Not answered") && out.contains("--clip DIR"), out);
    String[] clip = with(methods, "--clip", TestData.path("clip/clip-vit-tiny-text").toString());
    assertEquals(2, eval(clip), () -> err);
    assertTrue(err.contains("another run"), err);
    Files.delete(folder.resolve("out").resolve("results.jsonl"));
    assertEquals(0, eval(clip), () -> err);
    assertTrue(out.contains("| cdpruner | 5 |") && out.contains("| eadp | 5 |") && !out.contains("Not answered"), out);
  }

  @Test void writesTablesAndPlots() throws Exception {
    assertEquals(0, eval("--methods", "fastv,vtw", "--budgets", "12,4"), () -> err);
    assertTrue(out.startsWith("| method | budget | accuracy |"), out);
    assertTrue(err.contains("2 of 2 questions"), err);
    for (String name : List.of("table.csv", "table.json", "table.md", "accuracy-budget.png", "accuracy-time.png", "results.jsonl")) {
      assertTrue(Files.size(folder.resolve("out").resolve(name)) > 100, name);
    }
    assertEquals(out, Files.readString(folder.resolve("out/table.md")));
    assertEquals(0, eval("--methods", "fastv,vtw", "--budgets", "12,4", "--json"));
    JsonNode json = new ObjectMapper().readTree(out);
    assertEquals("winnow.eval.table/1", json.get("format").asText());
    assertEquals(out, Files.readString(folder.resolve("out/table.json")));
  }

  @Test void badArgumentsAreOneLineAndStatusTwo() {
    String[][] bad = {{}, {"--methods", "slowv"}, {"--methods", "fastv", "--budgets", "-1"}, {"--methods", "fastv", "--budgets", "many"},
        {"--methods", "fastv", "--max-tokens", "0"}, {"--methods", "fastv", "--out", data.toString()},
        {"--methods", "fastv", "--limit", "-1"}, {"--methods", "fastv", "--images", "nowhere"},
        {"--variant", "fastv depth=2"}, {"--methods", "fastv", "--data", "missing.jsonl"}, {"--methods", "fastv", "--dtype", "int8"}};
    for (String[] args : bad) {
      assertEquals(2, eval(args), () -> String.join(" ", args) + ": " + err);
      assertEquals(1, err.lines().count(), err);
      assertEquals("", out);
    }
  }

  @Test void explainWritesAPage() {
    Path page = folder.resolve("page ö");
    String image = folder.resolve("bild ä.jpg").toString();
    String[] explain = {"--model", MODEL, "--prompt", "Où?", "--out", page.toString(), "--max-tokens", "2"};
    assertEquals(0, winnow("explain", with(explain, "--image", image, "--method", "fastv layer=1", "--method", "uniform", "--budget", "8")),
        () -> err);
    assertTrue(Files.isRegularFile(page.resolve("index.html")));
    assertEquals(2, winnow("explain", with(explain, "--image", "gone.png", "--method", "fastv")));
    assertEquals(2, winnow("explain", with(explain, "--image", image, "--method", "fastv layer=3", "--budget", "1")));
    assertTrue(err.contains("cannot average 1 of 16"), err);
  }

  @Test void calibrateRefusesWhatItCannotDo() {
    assertEquals(2, winnow("calibrate"));
    assertEquals(2, winnow("calibrate", "fastv", "--model", MODEL, "--data", data.toString()));
    assertEquals(2, winnow("calibrate", "pyramiddrop", "--model", MODEL, "--data", data.toString(), "--budget", "-1"));
    assertEquals(2, winnow("calibrate", "cost", "--model", MODEL, "--runs", "0"));
    assertEquals(2, winnow("calibrate", "cost", "--model", MODEL, "--method", "fastv layer=3"));
    assertTrue(err.contains("cannot average"), err);
    assertEquals(2, winnow("calibrate", "cost", "--model", MODEL, "--method", "none"));
    assertTrue(err.contains("'none' removes nothing"), err);
    assertEquals(2, winnow("calibrate", "vtw", "--model", MODEL, "--data", data.toString(), "--threshold", "NaN"));
    assertEquals(2, winnow("calibrate", "vtw", "--model", MODEL, "--data", data.toString(), "--out", folder.toString()));
    assertTrue(err.contains("has only 4 layers"), err);
  }

  @Test void costsAreMeasuredAndMeetATarget() throws Exception {
    String image = folder.resolve("bild ä.jpg").toString();
    String cost = folder.resolve("costs ö.json").toString();
    String[] ask = {"--model", MODEL, "--image", image, "--prompt", "?", "--max-tokens", "2", "--threads", "1", "--method", "fastv",
        "--trace", "-"};
    assertEquals(2, winnow("ask", with(ask, "--target-ms", "1e6", "--cost", cost)));
    assertTrue(err.contains("winnow calibrate cost"), err);
    assertEquals(0, winnow("calibrate", "cost", "--model", MODEL, "--threads", "1", "--runs", "3", "--cost", cost, "--method",
        "fastv", "--method", "fastervlm"), () -> err);
    assertTrue(err.contains("2 methods at up to 3 budgets, in 4 rounds"), err);
    for (String told : List.of("a tile in the tower", "by the model", "pruning in it", "fastervlm")) assertTrue(out.contains(told), out);
    assertEquals(0, winnow("ask", with(ask, "--target-ms", "1e6", "--cost", cost)), () -> err);
    JsonNode target = new ObjectMapper().readTree(out).get("target");
    assertEquals(16, target.get("budget").asInt());
    assertTrue(target.get("predicted_ms").asDouble() > 0 && target.get("actual_ms").asDouble() > 0, out);
    assertEquals(target.get("actual_kv_bytes"), target.get("predicted_kv_bytes"));
    assertEquals(2, winnow("ask", with(ask, "--target-ms", "1e-6", "--cost", cost)));
    assertTrue(err.contains("ms at least, at a budget of"), err);
    assertEquals(2, winnow("ask", with(ask, "--target-ms", "1e6", "--cost", cost, "--dtype", "bfloat16")));
    assertTrue(err.contains("holds costs of"), err);
    assertEquals(2, winnow("ask", with(ask, "--target-ms", "1e6", "--cost", cost, "--set", "layer=1")));
    assertTrue(err.contains("run 'winnow calibrate cost --method \"fastv layer=1\"'"), err);
    Path old = Files.writeString(folder.resolve("old.json"), Files.readString(Path.of(cost)).replace("winnow.cost/3", "winnow.cost/2"));
    assertEquals(2, winnow("ask", with(ask, "--target-ms", "1e6", "--cost", old.toString())));
    assertTrue(err.contains("'winnow.cost/2'") && err.contains("run 'winnow calibrate cost'"), err);
    assertEquals(0, winnow("ask", with(ask, "--target-kv-mb", "1", "--quiet")), () -> err);
    assertTrue(new ObjectMapper().readTree(out).get("target").get("predicted_ms").isNull());
    String[][] bad = {
        {"--target-kv-mb", "1", "--budget", "3"}, {"--target-kv-mb", "0"}, {"--target-kv-mb", "0.00001"}, {"--target-ms", "-3"},
        {"--target-kv-mb", "1", "--method", "none"}, {"--cost", cost}, {"--target-ms", "fast"}};
    for (String[] more : bad) {
      assertEquals(2, winnow("ask", with(ask, more)), () -> String.join(" ", more) + ": " + err);
      assertEquals(1, err.lines().count(), err);
    }
  }

  /** A selector with settings of its own is one value that holds blanks. */
  @Test void costsOfASettingThatHoldsBlanks() {
    String image = folder.resolve("bild ä.jpg").toString();
    String cost = folder.resolve("costs.json").toString();
    String[] ask = {"--model", MODEL, "--image", image, "--prompt", "?", "--max-tokens", "2", "--threads", "1", "--method",
        "restore_anchors", "--set", "selector=cdpruner relevance=none", "--target-ms", "1e6", "--cost", cost};
    assertEquals(0, winnow("calibrate", "cost", "--model", MODEL, "--threads", "1", "--runs", "1", "--cost", cost, "--image", image,
        "--method", "uniform"), () -> err);
    assertTrue(err.contains("pictures: 1"), err);
    assertEquals(2, winnow("ask", ask));
    String remedy = "calibrate cost --method \"restore_anchors selector='cdpruner relevance=none'\"'";
    assertTrue(err.contains(remedy), err);
    assertEquals(0, winnow("calibrate", "cost", "--model", MODEL, "--threads", "1", "--runs", "1", "--cost", cost, "--image", image,
        "--method", "restore_anchors selector='cdpruner relevance=none'"), () -> err);
    assertEquals(0, winnow("ask", ask), () -> err);
    assertEquals(2, winnow("calibrate", "cost", "--model", MODEL, "--runs", "2", "--method", "fastv"));
    assertTrue(err.contains("2 runs leave out some of the 3"), err);
    assertEquals(2, winnow("calibrate", "cost", "--model", MODEL, "--method", "fastv", "--image", "gone.png"));
    assertTrue(err.contains("gone.png") && err.lines().count() == 1, err);
  }

  private static String[] with(String[] args, String... more) {
    List<String> all = new ArrayList<>(List.of(args));
    all.addAll(List.of(more));
    return all.toArray(new String[0]);
  }
}
