package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ModelFolder;
import dev.winnow.decoder.Segment;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.prune.Site;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every method on decoders of one to four layers and towers of one to three blocks: it cuts, or says in a line why it cannot. */
class ShallowModelsTest {
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
}
