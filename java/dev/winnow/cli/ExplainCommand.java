package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import dev.winnow.engine.Model;
import dev.winnow.eval.Variant;
import dev.winnow.explain.Explanation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code winnow explain}: pictures of what pruning did for one question. */
@Command(name = "explain", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", sortOptions = false, sortSynopsis = false,
    customSynopsis = "winnow explain --model DIR --image FILE... --prompt TEXT --method NAME... [OPTIONS]",
    description = "Asks one question with and without pruning and writes a page (HTML, self-contained) and PNG pictures: the patches that"
        + " each cut kept and dropped, the scores that it went by, and what was merged into what.",
    footerHeading = "%nExamples:%n",
    footer = {"  winnow explain --model DIR --image cat.jpg --prompt 'What is on the sofa?' --method pyramiddrop",
        "  winnow explain --model DIR --image cat.jpg --prompt 'Describe it.' --budget 192 \\",
        "                 --method fastv --method 'fastv layer=3' --method fastervlm"})
final class ExplainCommand implements Callable<Integer> {
  @Mixin private ModelMixin model;

  @Option(names = "--image", required = true, paramLabel = "FILE", description = "Picture (PNG, JPEG or GIF); may be repeated.")
  private List<Path> images;

  @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "The question.")
  private String prompt;

  @Option(names = "--method", paramLabel = "'NAME KEY=VALUE ...'",
      description = "Method, with parameters that differ from the defaults; may be repeated, the page then has a part for each.")
  private List<String> methods = List.of();

  @Option(names = "--plan", paramLabel = "FILE", description = "A plan file, which says itself how many tokens stay; may be repeated.")
  private List<Path> plans = List.of();

  @Option(names = "--budget", paramLabel = "N", description = "Visual tokens to hold per picture, on average over the decoder's layers.")
  private Integer budget;

  @Option(names = "--out", paramLabel = "DIR", defaultValue = "winnow-explain",
      description = "Folder for the page and pictures. Default: ${DEFAULT-VALUE}.")
  private Path out;

  @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "64",
      description = "Most tokens of an answer. Default: ${DEFAULT-VALUE}.")
  private int maxTokens;

  @Mixin private DtypeMixin dtype;

  private final Console console;

  ExplainCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    List<Variant> variants = new ArrayList<>();
    for (String text : methods) variants.add(Variant.parse(text));
    for (Path file : plans) variants.add(Variant.plan(file));
    if (variants.isEmpty()) throw new InvalidInputException("no method given; name one with --method NAME or --plan FILE");
    if (budget != null && methods.isEmpty()) {
      throw new InvalidInputException("--budget says how much a --method keeps; a plan file says so itself, so leave --budget out");
    }
    if (budget != null && budget < 0) throw new InvalidInputException("budget must be 0 or more tokens, not " + budget);
    OutFolder.prepare(out);
    try (Model opened = Model.open(model.folder(), model.in(dtype.dtype()))) {
      OptionalInt tokens = budget == null ? OptionalInt.empty() : OptionalInt.of(budget);
      Path page = new Explanation(opened, prompt, images, maxTokens).write(variants, tokens, out);
      console.out().println(page);
    }
    return Winnow.DONE;
  }
}
