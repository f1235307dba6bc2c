package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ModelFolder;
import dev.winnow.decoder.Segment;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.prune.PlanReader;
import dev.winnow.prune.Site;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Decoders of one to four layers and towers of one to three blocks: every method cuts, or says why it cannot; and 32 layers. */
class DepthTest {
  /** Their features may be those before the first block, and a single layer has nothing behind it. */
  private static final List<String> NEED_A_LAYER_BEHIND = List.of("fastv", "dart", "sparsevlm", "mustdrop");
  private static final List<String> NEED_A_BLOCK = List.of("tome", "mustdrop");

  @TempDir Path temporary;

  @ParameterizedTest
  @CsvSource({"1,1", "1,3", "2,3", "3,2", "4,1"})
  void everyMethodCutsOrSaysWhyNot(int layers, int blocks) throws IOException {
    Set<String> refused = new TreeSet<>();
    try (Model model = Model.open(ModelFolder.copy("llava15-mha-56", temporary).depth(layers, blocks).path)) {
      for (Method method : Methods.all()) {
        if (method.name().equals("none")) continue;
        boolean needsText = method.parameters().stream().anyMatch(parameter -> parameter.name().equals("relevance"));
        Question question = Asked.base().maxTokens(2).method(method.name());
        if (needsText) question.set("relevance", "none");
        try {
          Report report = Asked.ask(model, question).report();
          boolean mayKeepAll = List.of("dart", "sparsevlm", "mustdrop").contains(method.name()); // their counts are those of 576 tokens
          assertTrue(mayKeepAll || report.cuts().stream().anyMatch(cut -> cut.after() < cut.before()) || !method.parameters().stream()
              .filter(parameter -> parameter.name().equals("tokens")).toList().isEmpty(), method.name());
        } catch (InvalidInputException e) {
          assertTrue(e.getMessage().contains(method.name()) && e.getMessage().contains("; use "), e.getMessage());
          refused.add(method.name());
        }
      }
    }
    Set<String> expected = new TreeSet<>();
    if (layers == 1) expected.addAll(NEED_A_LAYER_BEHIND);
    if (blocks == 1) expected.addAll(NEED_A_BLOCK);
    assertEquals(expected, refused);
  }

  /** Half of the tokens, for every depth: held by all layers together, and never more. */
  @ParameterizedTest
  @CsvSource({"1", "2", "3", "4"})
  void aBudgetIsKeptAtAnyDepth(int layers) throws IOException {
    try (Model model = Model.open(ModelFolder.copy("llava15-mha-56", temporary).depth(layers, 3).path)) {
      for (String method : List.of("pyramiddrop", "vtw", "random", "uniform", "fastv", "dart", "sparsevlm", "mustdrop")) {
        if (layers == 1 && NEED_A_LAYER_BEHIND.contains(method)) continue;
        Report report = Asked.ask(model, Asked.base().maxTokens(1).method(method).budget(12)).report();
        assertTrue(average(report, layers) <= 12, method + " at " + layers + " layers holds " + average(report, layers));
      }
    }
  }

  private static double average(Report report, int layers) {
    double[] held = new double[layers];
    Arrays.fill(held, report.segments().stream().filter(segment -> !segment.isText()).mapToInt(Segment::length).sum());
    for (CutRecord cut : report.cuts()) {
      if (cut.site().kind() == Site.Kind.LAYER) Arrays.fill(held, cut.site().index(), layers, cut.after());
    }
    return Arrays.stream(held).average().orElseThrow();
  }

  @Test void pyramidDropHasAsManyStagesAsFit() throws IOException {
    String[] expected = {"0", "1", "1,2", "1,2,3"};
    for (int layers = 1; layers <= 4; layers++) {
      try (Model model = Model.open(ModelFolder.copy("llava15-mha-56", temporary).depth(layers, 3).path)) {
        Report report = Asked.ask(model, Asked.base().maxTokens(1).method("pyramiddrop")).report();
        assertEquals(expected[layers - 1], report.plan().parameters().get("layers"));
        assertEquals(expected[layers - 1].split(",").length, report.cuts().size());
        assertEquals(8, report.cuts().get(0).after());
      }
    }
  }

  /** The plans of docs/plans.md as they are printed, on a decoder of 32 layers and a picture of 576 tokens. */
  @Test void thePlansOfTheDocumentationRun() throws IOException {
    String page = Files.readString(Path.of(System.getProperty("winnow.basedir", "."), "docs/plans.md"));
    Matcher examples = Pattern.compile("```json\\n(.*?)```", Pattern.DOTALL).matcher(page);
    List<int[]> images = new ArrayList<>();
    try (Model model = Model.open(ModelFolder.copy("llava15-mha-336", temporary).depth(32, 3).path)) {
      while (examples.find()) {
        Report report = Asked.ask(model, Asked.base().maxTokens(34).plan(PlanReader.parse(examples.group(1), "docs/plans.md"))).report();
        int text = report.segments().stream().filter(Segment::isText).mapToInt(Segment::length).sum();
        int[] rows = report.kv().lengthsAfterPrompt();
        images.add(new int[] {rows[0] - text, rows[2] - text, rows[8] - text, rows[31] - text});
        if (images.size() == 1) assertEquals(Math.max(32, 288 / 4 / 4), report.kv().lengthsAtEnd()[31] - text - report.timing()
            .decodedTokens());
      }
    }
    assertEquals(7, images.size());
    assertArrayEquals(new int[] {288, 288, 144, 72}, images.get(0));
    assertArrayEquals(new int[] {96, 96, 48, 48}, images.get(1));
    assertEquals(180, images.get(2)[3] - (int) (0.3 * 396 + 1) / 10 - 1);
    assertArrayEquals(new int[] {576, 64, 576, 576}, images.get(3));
    assertEquals(576, images.get(4)[0]);
    assertEquals(images.get(4)[3], images.get(4)[1], "the cache of layer 2 holds what reached the last layer");
    assertArrayEquals(new int[] {128, 128, 128, 0}, images.get(5));
    assertArrayEquals(new int[] {128, 128, 128, 128}, images.get(6));
  }
}
