package dev.winnow.calibrate;

import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.eval.BenchStats;
import dev.winnow.engine.Model;
import dev.winnow.engine.ModelOptions;
import dev.winnow.engine.PromptSize;
import dev.winnow.engine.Question;
import dev.winnow.engine.Report;
import dev.winnow.engine.Session;
import dev.winnow.eval.Variant;
import dev.winnow.prune.Plan;
import dev.winnow.vision.ImageReader;
import dev.winnow.vision.RgbImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * How far off the times are that {@code winnow ask --target-ms} chooses by, on the demo model: calibrates for a method and asks about a
 * picture that is not calibrated with, at a few budgets, round by round, so that a machine that becomes slower is slower for both.
 * Arguments: {@code [runs] [threads] [PICTURE] [MEASURED,...] ['METHOD [KEY=VALUE]...'...]}, by default the demo's first picture and its
 * others; prints a table of medians in milliseconds.
 */
public final class TimeTargetBench {
  private static final double[] SHARES = {0.9, 0.75, 0.5, 0.25};
  private static final List<String> METHODS = List.of("fastv", "pyramiddrop", "sparsevlm", "mustdrop", "tome", "visionzip");
  private static final Path DEMO = TestData.path("../../java/dev/winnow/demo");

  /** One budget under measurement; the plan that removes nothing has that of all tokens. */
  private record Arm(String label, int budget, Plan plan, List<Double> took) {}

  private TimeTargetBench() {}

  private static Question question(RgbImage picture) { return Question.of("How many objects are there?").image(picture).maxTokens(1); }

  private static String argument(String[] args, int i, String otherwise) { return args.length > i ? args[i] : otherwise; }

  public static void main(String[] args) {
    int runs = Integer.parseInt(argument(args, 0, "6"));
    int threads = Integer.parseInt(argument(args, 1, "1"));
    RgbImage asked = ImageReader.read(Path.of(argument(args, 2, DEMO + "/pictures/1.png")));
    List<RgbImage> measured = Stream.of(argument(args, 3, DEMO + "/pictures/2.png," + DEMO + "/pictures/3.png").split(","))
        .map(file -> ImageReader.read(Path.of(file))).toList();
    List<Variant> variants = (args.length > 4 ? List.of(args).subList(4, args.length) : METHODS).stream().map(Variant::parse).toList();
    try (Model model = Model.open(DEMO.resolve("shapes-llava"), new ModelOptions(null, "cpu", threads))) {
      System.out.println("| method | budget | took | by rows | off | pruning counted | off |");
      System.out.println("|---|---|---|---|---|---|---|");
      for (Variant variant : variants) method(model, asked, new CostMeasurement(model, measured), variant, runs);
    }
  }

  private static void method(Model model, RgbImage asked, CostMeasurement measurement, Variant variant, int runs) {
    PromptSize size;
    try (Session session = model.newSession()) {
      size = session.size(question(asked));
    }
    int image = size.images()[0];
    List<Arm> arms = new ArrayList<>(List.of(new Arm("none", image, Plan.NONE, new ArrayList<>())));
    for (double share : SHARES) {
      int budget = (int) (share * image);
      try {
        arms.add(new Arm(variant.label(), budget, variant.plan(model.shape(), OptionalInt.of(budget), image), new ArrayList<>()));
      } catch (InvalidInputException e) {
        System.err.println(e.getMessage());
      }
    }
    measurement.add(variant);
    CostMeasurement.Measured measured = measurement.run(runs, (done, of) -> {
      // the calibration's own first round is not counted, and neither is what comes before it
      for (Arm arm : arms) ask(model, question(asked).plan(arm.plan()), arm.took(), done > 0);
    });
    PromptCost counted = new PromptCost(measured.decoder(), measured.perTile(), measured.pruning().get(variant.sortedLabel()));
    PromptCost byRows = new PromptCost(measured.decoder(), measured.perTile(),
        new PruningCost(image, List.of(new PruningCost.Point(1, measured.perTile(), 0, 1))));
    for (Arm arm : arms) {
      double took = BenchStats.median(arm.took());
      System.out.printf(Locale.ROOT, "| %s | %d | %.1f |%s |%s |%n", arm.label(), arm.budget(), took,
          cells(byRows.millis(size, arm.plan(), arm.budget()), took), cells(counted.millis(size, arm.plan(), arm.budget()), took));
    }
  }

  private static String cells(double predicted, double took) {
    return String.format(Locale.ROOT, " %.1f | %+.0f %%", predicted, 100 * (predicted / took - 1));
  }

  private static void ask(Model model, Question question, List<Double> took, boolean measured) {
    try (Session session = model.newSession()) {
      Report.Timing timing = session.ask(question).report().timing();
      if (measured) took.add(timing.vision() + timing.prompt());
    }
  }
}
