package dev.winnow.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.WinnowException;
import dev.winnow.conform.Conformance;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code winnow conform}: files of recorded results, run through the engine. */
@Command(name = "conform", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", sortOptions = false,
    parameterListHeading = "%nArguments:%n",
    description = "Runs conformance cases through the engine: golden files of methods, and parity files of models, whose paths are relative"
        + " to them. Prints a line per case with the largest deviation.",
    footerHeading = "%nExit status: 0 all cases pass, 1 a case fails, 2 a file cannot be used.%n%nExamples:%n",
    footer = {"  winnow conform tests/data/goldens/*.json", "  winnow conform --json tests/data/parity/goldens/models/llava15-mha-56.json"})
final class ConformCommand implements Callable<Integer> {
  private static final int SHOWN = 3;
  private static final ObjectMapper JSON = new ObjectMapper();

  @Parameters(arity = "1..*", paramLabel = "FILE", description = "Golden or parity files.")
  private List<Path> files;

  @Option(names = "--json", description = "Print one JSON object with every mismatch instead.")
  private boolean json;

  private final Console console;

  ConformCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    List<Conformance.Result> all = new ArrayList<>();
    for (Path file : files) {
      List<Conformance.Result> results = Conformance.run(file);
      if (!json) results.forEach(this::line);
      all.addAll(results);
    }
    long failed = all.stream().filter(result -> !result.passed()).count();
    if (json) console.out().println(json(all));
    else console.out().println(Format.of("%d cases, %d passed, %d failed", all.size(), all.size() - failed, failed));
    return failed == 0 ? Winnow.DONE : Winnow.FAILED;
  }

  private void line(Conformance.Result result) {
    String deviation = Double.isFinite(result.largest()) ? Format.of("%.2e", result.largest()) : "not finite";
    console.out().println(Format.of("%s  %s  %s  largest deviation %s%s, %d values", result.passed() ? "pass" : "FAIL",
        result.file(), result.name(), deviation, result.largestAt().isEmpty() ? "" : " at " + result.largestAt(), result.compared()));
    result.unread().forEach(field -> console.out().println("      " + field + ": not a field of this kind, and nothing looked at it"));
    List<String> mismatches = result.mismatches();
    mismatches.stream().limit(SHOWN).forEach(mismatch -> console.out().println("      " + mismatch));
    if (mismatches.size() > SHOWN) console.out().println("      and " + (mismatches.size() - SHOWN) + " more (--json shows all)");
  }

  private static String json(List<Conformance.Result> results) {
    ObjectNode root = JSON.createObjectNode().put("format", "winnow.conform/1");
    long passed = results.stream().filter(Conformance.Result::passed).count();
    root.put("passed", passed).put("failed", results.size() - passed);
    ArrayNode cases = root.putArray("cases");
    for (Conformance.Result result : results) {
      ObjectNode node = cases.addObject().put("file", result.file()).put("name", result.name()).put("passed", result.passed());
      if (Double.isFinite(result.largest())) node.put("largest_deviation", result.largest());
      else node.putNull("largest_deviation");
      node.put("at", result.largestAt()).put("compared", result.compared());
      result.mismatches().forEach(node.putArray("mismatches")::add);
      result.unread().forEach(node.putArray("not_looked_at")::add);
    }
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new WinnowException("the results cannot be written as JSON: " + e.getOriginalMessage(), e);
    }
  }
}
