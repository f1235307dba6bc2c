package dev.winnow.cli;

import dev.winnow.engine.Model;
import dev.winnow.engine.PromptSize;
import dev.winnow.eval.CostFile;
import dev.winnow.eval.CostMeasurement;
import dev.winnow.eval.CostModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code winnow calibrate cost}: what a model's prompts take on this machine. */
@Command(name = "cost", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", sortOptions = false, sortSynopsis = false,
    customSynopsis = "winnow calibrate cost --model DIR [--dtype TYPE] [--threads N] [OPTIONS]",
    description = "Measures prompts of a few lengths and the vision tower on this machine and fits the costs that 'winnow ask --target-ms' predicts"
        + " by. They hold for this model's shape, dtype, device, threads and build. Measure when nothing else runs.",
    footerHeading = "%nExample:%n",
    footer = "  winnow calibrate cost --model llava-1.5-7b-hf --dtype bfloat16")
final class CalibrateCostCommand implements Callable<Integer> {
  @Mixin private ModelMixin model;

  @Mixin private DtypeMixin dtype;

  @Option(names = "--runs", paramLabel = "N", defaultValue = "5",
      description = "Measured repetitions, after one that is not. Default: ${DEFAULT-VALUE}.")
  private int runs;

  @Option(names = "--cost", paramLabel = "FILE", description = "File to write. Default: one in the cache folder.")
  private Path file;

  private final Console console;

  CalibrateCostCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    try (Model opened = Model.open(model.folder(), model.in(dtype.dtype()))) {
      CostMeasurement.Measured measured = new CostMeasurement(opened).run(runs, new Progress(console, "rounds")::at);
      Path written = file == null ? CostFile.standard(opened) : file;
      CostFile.write(written, opened, measured);
      console.out().print(table(measured, opened.config().text().layers()));
      console.note("costs are in " + written.toAbsolutePath().normalize());
    }
    return Winnow.DONE;
  }

  private static String table(CostMeasurement.Measured measured, int layers) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("rows in every layer", "measured", "by the model"));
    for (CostModel.Sample sample : measured.samples()) {
      int[] all = new int[layers];
      Arrays.fill(all, sample.rows());
      PromptSize text = new PromptSize(sample.rows(), new int[0], 0, new int[layers], 0);
      rows.add(List.of(String.valueOf(sample.rows()), Format.millis(sample.millis()), Format.millis(measured.model().millis(text, all))));
    }
    rows.add(List.of("a tile in the tower", Format.millis(measured.model().perTile())));
    return Format.table(rows);
  }
}
