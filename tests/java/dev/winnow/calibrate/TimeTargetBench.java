package dev.winnow.calibrate;

import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.bench.BenchStats;
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
 * How far off the predictions of {@code winnow ask --target-ms} are on the demo model: calibrates for a method, chooses budgets for
 * targets of 0.85, 0.7 and 0.55 times what the unpruned prompt is predicted to take, by rows and tower alone and with pruning counted, then
 * asks about a picture that was not measured with, in turn. Arguments: {@code [runs] [threads] [PICTURE] [MEASURED,...]
 * ['METHOD [KEY=VALUE]...'...]}, by default the demo's first picture and its others; prints a table of medians in milliseconds.
 */
public final class TimeTargetBench {
  private static final double[] TARGETS = {0.85, 0.7, 0.55};
  private static final List<String> METHODS = List.of("fastv", "pyramiddrop", "sparsevlm", "mustdrop", "divprune",
      "cdpruner relevance=none", "visionzip", "tome");
  private static final Path DEMO = TestData.path("../../java/dev/winnow/demo");

  /** One choice under measurement. */
  private record Arm(Variant variant, double target, BudgetTarget.Choice choice, List<Double> took) {
    String cells() {
      double median = BenchStats.median(took);
      return String.format(Locale.ROOT, " %d | %.1f | %.1f | %+.0f %%", choice.budget(), choice.millis(), median,
          100 * (choice.millis() / median - 1));
    }
  }

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
      System.out.println("| method | target | budget | predicted | took | off | budget | predicted | took | off |");
      System.out.println("|---|---|---|---|---|---|---|---|---|---|");
      for (Variant variant : variants) method(model, asked, new CostMeasurement(model, measured), variant, runs);
    }
  }

  private static void method(Model model, RgbImage asked, CostMeasurement measurement, Variant variant, int runs) {
    measurement.add(variant);
    CostMeasurement.Measured measured = measurement.run(runs, (done, of) -> {});
    PromptSize size;
    try (Session session = model.newSession()) {
      size = session.size(question(asked));
    }
    int image = size.images()[0];
    PromptCost counted = new PromptCost(measured.decoder(), measured.perTile(), measured.pruning().get(variant.sortedLabel()));
    PromptCost alone = new PromptCost(measured.decoder(), measured.perTile(),
        new PruningCost(image, List.of(new PruningCost.Point(1, measured.perTile(), 0, 1))));
    double unpruned = alone.millis(size, Plan.NONE, image);
    List<Arm> arms = new ArrayList<>();
    for (double share : TARGETS) {
      for (PromptCost cost : List.of(alone, counted)) arms.add(arm(model, size, variant, share * unpruned, cost));
    }
    List<Double> plain = new ArrayList<>();
    for (int run = 0; run <= runs; run++) {
      ask(model, question(asked), plain, run > 0);
      for (Arm arm : arms) if (arm.choice() != null) ask(model, question(asked).plan(plan(arm, model, size)), arm.took(), run > 0);
    }
    System.out.printf(Locale.ROOT, "| none | - | - | %.1f | %.1f | %+.0f %% | - | - | - | - |%n", unpruned, BenchStats.median(plain),
        100 * (unpruned / BenchStats.median(plain) - 1));
    for (int i = 0; i < arms.size(); i += 2) print(arms.get(i), arms.get(i + 1));
  }

  private static Plan plan(Arm arm, Model model, PromptSize size) {
    return arm.variant().plan(model.shape(), OptionalInt.of(arm.choice().budget()), size.images()[0]);
  }

  private static Arm arm(Model model, PromptSize size, Variant variant, double target, PromptCost cost) {
    BudgetTarget.Choice choice = null;
    try {
      choice = new BudgetTarget(Double.POSITIVE_INFINITY, target, cost).choose(size, model.config().text(), model.dtype(),
          budget -> variant.plan(model.shape(), OptionalInt.of(budget), size.images()[0]));
    } catch (InvalidInputException e) {
      // no budget meets this target
    }
    return new Arm(variant, target, choice, new ArrayList<>());
  }

  private static void ask(Model model, Question question, List<Double> took, boolean measured) {
    try (Session session = model.newSession()) {
      Report.Timing timing = session.ask(question).report().timing();
      if (measured) took.add(timing.vision() + timing.prompt());
    }
  }

  private static void print(Arm alone, Arm counted) {
    String refused = " - | - | - | -";
    System.out.printf(Locale.ROOT, "| %s | %.0f |%s |%s |%n", alone.variant().label(), alone.target(),
        alone.choice() == null ? refused : alone.cells(), counted.choice() == null ? refused : counted.cells());
  }
}
