package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import dev.winnow.engine.Model;
import dev.winnow.eval.EvalItem;
import dev.winnow.eval.EvalReport;
import dev.winnow.eval.EvalRun;
import dev.winnow.eval.EvalTable;
import dev.winnow.eval.Variant;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code winnow eval}: methods by budgets over a data set. */
@Command(name = "eval", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", sortOptions = false, sortSynopsis = false,
    customSynopsis = "winnow eval --model DIR --data FILE --methods A,B,... [--budgets N,N,...] [OPTIONS]",
    description = "Answers every question of a data set under every method and budget and writes tables and plots: accuracy by family,"
        + " agreement with the unpruned model, tokens, cache bytes, times, speed-ups. The unpruned model, random and uniform always take"
        + " part. A run that was stopped goes on where it was when it is started again with the same --out.",
    footerHeading = "%nData: one JSON object a line, {\"id\"?, \"image\", \"question\", \"answer\", \"family\"?, \"metric\"?}, or a file of"
        + " VQAv2, GQA, TextVQA or POPE as published.%n%nExamples:%n",
    footer = {"  winnow eval --model llava-1.5-7b-hf --data coco_pope_random.json --images val2014 --budgets 192,128,64 \\",
        "              --methods fastv,pyramiddrop --limit 500",
        "  winnow eval --model DIR --data questions.jsonl --methods vtw --variant 'fastv layer=3' --budgets 128"})
final class EvalCommand implements Callable<Integer> {
  @Mixin private ModelMixin model;

  @Mixin private DataMixin data;

  @Option(names = "--methods", paramLabel = "A,B,...", split = ",", hideParamSyntax = true,
      description = "Methods with their default parameters (see 'winnow methods').")
  private List<String> methods = List.of();

  @Option(names = "--variant", paramLabel = "'NAME KEY=VALUE ...'",
      description = "A method with some parameters set; may be repeated.")
  private List<String> variants = List.of();

  @Option(names = "--plan", paramLabel = "FILE", description = "A plan file, which says itself what stays; may be repeated.")
  private List<Path> plans = List.of();

  @Option(names = "--budgets", paramLabel = "N,N,...", split = ",", hideParamSyntax = true,
      description = "Visual tokens to hold per picture, on average over the decoder's layers. Default: what each method's own parameters"
          + " give.")
  private List<Integer> budgets = List.of();

  @Option(names = "--families", paramLabel = "A,B,...", split = ",", hideParamSyntax = true,
      description = "Take the questions of these families only.")
  private Set<String> families = Set.of();

  @Option(names = "--limit", paramLabel = "N", defaultValue = "0",
      description = "Take the first N questions only; 0 for all. Default: ${DEFAULT-VALUE}.")
  private int limit;

  @Option(names = "--out", paramLabel = "DIR", defaultValue = "winnow-eval", description = "Folder for results. Default: ${DEFAULT-VALUE}.")
  private Path out;

  @Option(names = "--suffix", paramLabel = "TEXT", defaultValue = "",
      description = "Text added on a line of its own after each question, such as 'Answer the question using a single word or phrase.'")
  private String suffix;

  @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "64",
      description = "Most tokens of an answer. Default: ${DEFAULT-VALUE}.")
  private int maxTokens;

  @Mixin private DtypeMixin dtype;

  @Option(names = "--json", description = "Print the table as JSON instead of Markdown.")
  private boolean json;

  private final Console console;

  EvalCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    Set<Variant> wanted = new LinkedHashSet<>();
    for (String name : methods) wanted.add(Variant.parse(name));
    for (String text : variants) wanted.add(Variant.parse(text));
    for (Path file : plans) wanted.add(Variant.plan(file));
    if (wanted.isEmpty()) {
      throw new InvalidInputException("no method given; name some with --methods A,B, --variant 'NAME KEY=VALUE' or --plan FILE");
    }
    for (int budget : budgets) {
      if (budget < 0) throw new InvalidInputException("budgets must be 0 or more tokens, not " + budget);
    }
    if (maxTokens < 1) throw new InvalidInputException("max-tokens must be 1 or more, not " + maxTokens);
    List<EvalItem> items = data.read(families, limit);
    OutFolder.prepare(out);
    EvalRun.Asking asking = new EvalRun.Asking(suffix.isEmpty() ? "" : "\n" + suffix, maxTokens);
    try (Model opened = Model.open(model.folder(), model.in(dtype.dtype()))) {
      Progress progress = new Progress(console, "questions");
      EvalRun run = new EvalRun(opened, items, new ArrayList<>(wanted), budgets, asking);
      EvalTable table = run.run(data.file(), out.resolve("results.jsonl"), progress::at);
      EvalReport report = new EvalReport(table);
      console.out().print(json ? report.json() : report.markdown());
      report.write(out);
      console.note("results are in " + out.toAbsolutePath().normalize());
    }
    return Winnow.DONE;
  }
}
