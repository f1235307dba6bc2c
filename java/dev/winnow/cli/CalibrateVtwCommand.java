package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import dev.winnow.calibrate.VtwCalibration;
import dev.winnow.calibrate.VtwLayerSearch;
import dev.winnow.engine.Model;
import dev.winnow.eval.EvalItem;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code winnow calibrate vtw}: the layer at which image tokens may go. */
@Command(name = "vtw", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", sortOptions = false, sortSynopsis = false,
    customSynopsis = "winnow calibrate vtw --model DIR --data FILE [OPTIONS]",
    description = "Finds the layer at which VTW withdraws the image tokens of a model: the first whose withdrawal moves the distribution of"
        + " the first answer token by no more than a threshold, as the mean Kullback-Leibler divergence over the questions, in float32."
        + " Writes the curve (CSV, PNG), the settings (JSON) and a plan file for 'winnow ask --plan'. A run that was stopped goes on where"
        + " it was.",
    footerHeading = "%nExample:%n",
    footer = "  winnow calibrate vtw --model llava-1.5-7b-hf --data questions.jsonl --limit 20")
final class CalibrateVtwCommand implements Callable<Integer> {
  @Mixin private QuestionsMixin questions;

  @Option(names = "--threshold", paramLabel = "NATS", defaultValue = "" + VtwCalibration.DEFAULT_THRESHOLD,
      description = "Largest mean divergence. Default: ${DEFAULT-VALUE}, the public code's for LLaVA-1.5 7B (0.0005 for 13B).")
  private double threshold;

  private final Console console;

  CalibrateVtwCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    if (!(threshold > 0) || Double.isInfinite(threshold)) {
      throw new InvalidInputException("threshold must be a number above 0, not " + threshold);
    }
    List<EvalItem> items = questions.read();
    OutFolder.prepare(questions.out());
    try (Model opened = questions.open()) {
      Progress progress = new Progress(console, "questions");
      VtwCalibration calibration = new VtwCalibration(opened, items);
      VtwCalibration.Curve curve = calibration.run(questions.data(), questions.results(), progress::at);
      VtwCalibration.writeCurve(curve, threshold, questions.out());
      for (int k = 0; k < curve.means().length; k++) {
        console.out().println(Format.of("layer %d  %.3e nats", VtwLayerSearch.FIRST_LAYER + k, curve.means()[k]));
      }
      int layer = VtwLayerSearch.choose(curve.means(), threshold);
      calibration.writeSettings(layer, threshold, curve, questions.out());
      console.out().println("--method vtw --set layer=" + layer);
      console.note("results are in " + questions.out().toAbsolutePath().normalize());
    }
    return Winnow.DONE;
  }
}
