package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import dev.winnow.engine.Model;
import dev.winnow.engine.ModelOptions;
import dev.winnow.eval.DataSet;
import dev.winnow.eval.EvalItem;
import dev.winnow.eval.VtwCalibration;
import dev.winnow.eval.VtwLayerSearch;
import dev.winnow.kernels.Dtype;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code winnow calibrate}: parameters of a method that are found by trying them on a model. */
@Command(name = "calibrate", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", parameterListHeading = "%nArguments:%n", sortOptions = false,
    sortSynopsis = false, customSynopsis = "winnow calibrate vtw --model DIR --data FILE [OPTIONS]",
    description = "Finds the layer at which VTW withdraws the image tokens of a model: the first whose withdrawal moves the distribution of the first answer"
        + " token by no more than a threshold, as the mean Kullback-Leibler divergence over the questions, in float32. Writes the curve"
        + " (CSV, PNG), the settings (JSON) and a plan file for 'winnow ask --plan'. A run that was stopped goes on where it was.",
    footerHeading = "%nExample:%n",
    footer = "  winnow calibrate vtw --model llava-1.5-7b-hf --data questions.jsonl --limit 20")
final class CalibrateCommand implements Callable<Integer> {
  @Parameters(paramLabel = "METHOD", description = "What to calibrate: vtw.")
  private String method;

  @Option(names = "--model", required = true, paramLabel = "DIR", description = "Checkpoint folder, as published on Hugging Face.")
  private Path model;

  @Option(names = "--data", required = true, paramLabel = "FILE", description = "Questions about pictures, in any format that 'winnow eval' reads.")
  private Path data;

  @Option(names = "--annotations", paramLabel = "FILE", description = "Answers, where the data set keeps them apart (VQAv2).")
  private Path annotations;

  @Option(names = "--images", paramLabel = "DIR", description = "Folder of the pictures. Default: that of the questions, or 'images' in it.")
  private Path images;

  @Option(names = "--threshold", paramLabel = "NATS", defaultValue = "" + VtwCalibration.DEFAULT_THRESHOLD,
      description = "Largest mean divergence. Default: ${DEFAULT-VALUE}, the public code's for LLaVA-1.5 7B (0.0005 for 13B).")
  private double threshold;

  @Option(names = "--limit", paramLabel = "N", defaultValue = "20", description = "Take the first N questions only; 0 for all. Default: ${DEFAULT-VALUE}.")
  private int limit;

  @Option(names = "--out", paramLabel = "DIR", defaultValue = "winnow-calibrate", description = "Folder for results. Default: ${DEFAULT-VALUE}.")
  private Path out;

  @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "cpu", description = "cpu, cuda or cuda:N. Default: ${DEFAULT-VALUE}.")
  private String device;

  @Option(names = "--threads", paramLabel = "N", defaultValue = "0", description = "CPU threads. Default: the processors that this process may use.")
  private int threads;

  private final Console console;

  CalibrateCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    if (!method.equals("vtw")) throw new InvalidInputException("'" + method + "' cannot be calibrated; the only method that can is vtw");
    if (!(threshold > 0) || Double.isInfinite(threshold)) throw new InvalidInputException("threshold must be a number above 0, not " + threshold);
    List<EvalItem> items = DataSet.read(data, annotations, images, Set.of(), limit);
    try (Model opened = Model.open(model, new ModelOptions(Dtype.of("float32"), device, threads))) {
      Progress progress = new Progress(console, "questions");
      VtwCalibration calibration = new VtwCalibration(opened, items);
      VtwCalibration.Curve curve = calibration.run(data, out.resolve("divergences.jsonl"), progress::at);
      VtwCalibration.writeCurve(curve, threshold, out);
      for (int k = 0; k < curve.means().length; k++) {
        console.out().println(Format.of("layer %d  %.3e nats", VtwLayerSearch.FIRST_LAYER + k, curve.means()[k]));
      }
      int layer = VtwLayerSearch.choose(curve.means(), threshold);
      calibration.writeSettings(layer, threshold, curve, out);
      console.out().println("--method vtw --set layer=" + layer);
      console.note("results are in " + out.toAbsolutePath().normalize());
    }
    return Winnow.DONE;
  }
}
