package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import dev.winnow.calibrate.PyramidDropCalibration;
import dev.winnow.engine.Model;
import dev.winnow.eval.EvalItem;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code winnow calibrate pyramiddrop}: the layers at which stages begin. */
@Command(name = "pyramiddrop", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", sortOptions = false,
    sortSynopsis = false,
    customSynopsis = "winnow calibrate pyramiddrop --model DIR --data FILE [--budget N] [OPTIONS]",
    description = "Finds layers for PyramidDrop's stages (an extension: the method's paper fixes them): those that move the distribution of"
        + " the first answer token least, as the mean Kullback-Leibler divergence over the questions, in float32. All candidates hold the"
        + " same number of tokens on average. One stage after the other moves to its best place until none moves any more, which need not"
        + " find the best of all combinations. Writes every trial (CSV), the curve (PNG), the settings (JSON) and a plan file for"
        + " 'winnow ask --plan'. A run that was stopped goes on where it was.",
    footerHeading = "%nExample:%n",
    footer = "  winnow calibrate pyramiddrop --model llava-1.5-7b-hf --data questions.jsonl --limit 20 --budget 192")
final class CalibratePyramidDropCommand implements Callable<Integer> {
  @Mixin private QuestionsMixin questions;

  @Option(names = "--budget", paramLabel = "N",
      description = "Visual tokens to hold per picture, on average over the decoder's layers. Default: what the published settings hold.")
  private Integer budget;

  private final Console console;

  CalibratePyramidDropCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    if (budget != null && budget < 0) throw new InvalidInputException("budget must be 0 or more tokens, not " + budget);
    List<EvalItem> items = questions.read();
    OutFolder.prepare(questions.out());
    try (Model opened = questions.open()) {
      OptionalInt tokens = budget == null ? OptionalInt.empty() : OptionalInt.of(budget);
      PyramidDropCalibration calibration = new PyramidDropCalibration(opened, items, tokens);
      PyramidDropCalibration.Found found =
          calibration.run(questions.data(), questions.results(), part -> new Progress(console, part)::at);
      calibration.write(found, questions.out());
      console.out().println(Format.of("layers %s  %.3e nats, where the search began", joined(found.startLayers()), found.start()));
      console.out().println(Format.of("layers %s  %.3e nats", joined(found.layers()), found.mean()));
      console.out().println("--method pyramiddrop --set layers=" + joined(found.layers()) + " --budget " + calibration.budget());
      console.note("results are in " + questions.out().toAbsolutePath().normalize());
    }
    return Winnow.DONE;
  }

  private static String joined(List<Integer> layers) { return layers.stream().map(String::valueOf).collect(Collectors.joining(",")); }
}
