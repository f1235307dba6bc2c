package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import dev.winnow.calibrate.CostFile;
import dev.winnow.calibrate.CostMeasurement;
import dev.winnow.calibrate.CostModel;
import dev.winnow.engine.Model;
import dev.winnow.eval.Variant;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.vision.ImageReader;
import dev.winnow.vision.RgbImage;
import java.io.IOException;
import java.nio.file.Files;
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
    customSynopsis = "winnow calibrate cost --model DIR [--method NAME]... [--image FILE]... [OPTIONS]",
    description = "Measures prompts of a few lengths, the vision tower and what pruning takes on this machine: the costs that"
        + " 'winnow ask --target-ms' predicts by. They hold for this model's shape, dtype, device, threads and build. Measure when nothing"
        + " else runs.",
    footerHeading = "%nExamples:%n",
    footer = {
        "  winnow calibrate cost --model llava-1.5-7b-hf --dtype bfloat16",
        "  winnow calibrate cost --model llava-1.5-7b-hf --method fastv --method 'cdpruner relevance=none'",
        "  winnow calibrate cost --model llava-1.5-7b-hf --image street.jpg --image page.png --method mustdrop \\",
        "                        --method \"restore_anchors selector='cdpruner relevance=none'\""})
final class CalibrateCostCommand implements Callable<Integer> {
  @Mixin private ModelMixin model;

  @Mixin private DtypeMixin dtype;

  @Option(names = "--method", paramLabel = "'NAME [KEY=VALUE]...'",
      description = "Measure this method's pruning, with those settings that it will be asked with; may be repeated. A value that holds"
          + " blanks stands in quotes (see the examples). What the file holds of others stays. Default: every method that can take a"
          + " budget on this model, with its defaults.")
  private List<String> methods = List.of();

  @Option(names = "--image", paramLabel = "FILE",
      description = "Picture (PNG, JPEG or GIF) to measure with; may be repeated, each run then takes the next one. Give some of the kind"
          + " that will be asked about: methods that merge by likeness take less time for plain ones. Default: the demo's three"
          + " drawings.")
  private List<Path> images = List.of();

  @Option(names = "--runs", paramLabel = "N", defaultValue = "6",
      description = "Measured repetitions, after one that is not; as many as pictures, or more. Default: ${DEFAULT-VALUE}.")
  private int runs;

  @Option(names = "--cost", paramLabel = "FILE", description = "File to write. Default: one in the cache folder.")
  private Path file;

  private final Console console;

  CalibrateCostCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    List<Variant> named = methods.stream().map(Variant::parse).toList(); // what is wrong with them is said before the model is opened
    if (file != null) requireWritable(file);
    List<RgbImage> pictures = images.isEmpty() ? DemoPictures.all() : images.stream().map(ImageReader::read).toList();
    try (Model opened = Model.open(model.folder(), model.in(dtype.dtype()))) {
      CostMeasurement measurement = new CostMeasurement(opened, pictures);
      named.forEach(measurement::add);
      if (named.isEmpty()) addAll(measurement);
      console.note(Format.of("%s, in %d rounds, the first of which is not counted; pictures: %s", measurement.round(), runs + 1,
          images.isEmpty() ? "the demo's" : String.valueOf(images.size())));
      CostMeasurement.Measured measured = measurement.run(runs, new Progress(console, "rounds")::at);
      Path written = file == null ? CostFile.standard(opened) : file;
      CostFile.write(written, opened, measured);
      console.out().print(prompts(measured, opened.config().text().layers()) + "\n" + pruning(measured));
      console.note("costs are in " + written.toAbsolutePath().normalize());
    }
    return Winnow.DONE;
  }

  /** Said before minutes of measuring. */
  private static void requireWritable(Path file) {
    Path folder = file.toAbsolutePath().normalize().getParent();
    boolean writable = Files.exists(file) ? Files.isRegularFile(file) && Files.isWritable(file) : folder != null && made(folder);
    if (!writable) throw new InvalidInputException("--cost " + file + " cannot be written; name a file in a folder that can be");
  }

  private static boolean made(Path folder) {
    try {
      return Files.isWritable(Files.createDirectories(folder));
    } catch (IOException e) {
      return false;
    }
  }

  private void addAll(CostMeasurement measurement) {
    for (Method method : Methods.all()) {
      try {
        if (!method.name().equals(PruningMixin.UNPRUNED)) measurement.add(Variant.parse(method.name()));
      } catch (InvalidInputException e) {
        console.note("not measured: " + e.getMessage());
      }
    }
  }

  private static String prompts(CostMeasurement.Measured measured, int layers) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("rows in every layer", "measured", "by the model"));
    for (CostModel.Sample sample : measured.samples()) {
      int[] all = new int[layers];
      Arrays.fill(all, sample.rows());
      rows.add(List.of(String.valueOf(sample.rows()), Format.millis(sample.millis()),
          Format.millis(measured.decoder().millis(all, new int[layers]))));
    }
    rows.add(List.of("a tile in the tower", Format.millis(measured.perTile())));
    return Format.table(rows);
  }

  private static String pruning(CostMeasurement.Measured measured) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("method", "budget", "a tile in the tower", "prompt, measured", "by its rows", "pruning in it"));
    for (CostMeasurement.MethodSample sample : measured.methods()) {
      List<String> row = new ArrayList<>(List.of(sample.label(), String.valueOf(sample.budget()), Format.millis(sample.point().perTile())));
      if (!Double.isNaN(sample.prompt())) {
        row.addAll(List.of(Format.millis(sample.prompt()), Format.millis(sample.byRows()), Format.millis(sample.point().inDecoder())));
      }
      rows.add(row);
    }
    return Format.table(rows);
  }
}
