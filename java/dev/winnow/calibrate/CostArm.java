package dev.winnow.calibrate;

import dev.winnow.eval.BenchStats;
import dev.winnow.checkpoint.PromptPiece;
import dev.winnow.engine.Model;
import dev.winnow.engine.PromptSize;
import dev.winnow.engine.Question;
import dev.winnow.engine.Report;
import dev.winnow.engine.Session;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlannedRows;
import dev.winnow.prune.QuestionText;
import dev.winnow.prune.Site;
import dev.winnow.vision.PixelBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.bytedeco.javacpp.PointerScope;

/**
 * One method at one budget under measurement. Where nothing in the decoder is the method's doing, only tower and cut are run: the prompt
 * behind them is one of fewer rows.
 */
final class CostArm {
  /** As long as questions are: where text rows rate the picture's, a longer one takes longer. */
  private static final String TEXT = "What is to be seen in this picture, and where is it?";

  private static final long WARM_UP_NANOS = 1_000_000_000;

  private final String label;
  private final List<CostPicture> pictures;
  private final int[] budgets;
  private final List<Plan> plans;
  private final boolean inDecoder;
  private final List<Taken> taken = new ArrayList<>();

  /**
   * What one run took.
   *
   * @param picture number of it
   * @param perTile milliseconds of tower, projector and cut per tile
   * @param prompt milliseconds in the decoder; NaN where only the tower was run
   * @param cuts milliseconds that the records of cuts in the decoder and its caches tell of
   * @param entering rows of the picture that entered the decoder
   */
  private record Taken(int picture, double perTile, double prompt, double cuts, int entering) {}

  /**
   * @param budgets tokens for each of the pictures
   * @param plans of the method for each of them
   */
  CostArm(String label, List<CostPicture> pictures, int[] budgets, List<Plan> plans) {
    this.label = label;
    this.pictures = pictures;
    this.budgets = budgets;
    this.plans = plans;
    this.inDecoder = plans.stream().anyMatch(plan -> !plan.removesNothing() || plan.repairs());
  }

  String label() { return label; }

  static Question question(CostPicture picture) { return Question.of(TEXT).image(picture.image()).maxTokens(1); }

  /** Runs for a while without being counted: a small model is fast enough for Java that is not compiled yet to show. */
  void warmUp(Model model) {
    long begin = System.nanoTime();
    do {
      run(model, 0);
    } while (System.nanoTime() - begin < WARM_UP_NANOS);
  }

  /** @param picture number of it */
  void measure(Model model, int picture) { taken.add(run(model, picture)); }

  private Taken run(Model model, int picture) { return inDecoder ? ask(model, picture) : encode(model, picture); }

  private Taken ask(Model model, int picture) {
    try (Session session = model.newSession()) {
      Report report = session.ask(question(pictures.get(picture)).plan(plans.get(picture))).report();
      double cuts = report.cuts().stream().filter(CostArm::isInDecoder).mapToDouble(cut -> cut.nanos() / 1e6).sum();
      int entering = report.segments().stream().filter(segment -> !segment.isText()).mapToInt(segment -> segment.length()).sum();
      return new Taken(picture, report.timing().vision() / tiles(picture), report.timing().prompt(), cuts, entering);
    }
  }

  private int tiles(int picture) { return pictures.get(picture).prepared().tiles(); }

  private static boolean isInDecoder(CutRecord cut) { return cut.site().kind() == Site.Kind.LAYER || cut.site().kind() == Site.Kind.CACHE; }

  private Taken encode(Model model, int picture) {
    PixelBatch pixels = pictures.get(picture).prepared();
    try (PointerScope scope = new PointerScope()) {
      QuestionText text = model.questionText(TEXT, words ->
          model.decoder().embed(model.tokenizer().encode(List.of(new PromptPiece.Text(words)))), scope);
      long begin = System.nanoTime();
      model.images().encode(pixels, plans.get(picture), 0, text).rows().close();
      return new Taken(picture, (System.nanoTime() - begin) / 1e6 / pixels.tiles(), Double.NaN, 0, 0);
    }
  }

  private double median(ToDoubleFunction<Taken> part) {
    return BenchStats.median(taken.stream().map(part::applyAsDouble).toList());
  }

  /**
   * Cuts in the decoder take what the prompt took beyond its rows, and no less than their own records say: those leave out moving rows,
   * choosing raters, watching attention for the cache, and projections of rows that a layer drops only then.
   *
   * @param perTile of the tower without a cut
   * @param sizes of {@link #question} for each picture
   */
  CostMeasurement.MethodSample sample(CostModel decoder, double perTile, List<PromptSize> sizes) {
    double share = 0;
    for (int i = 0; i < budgets.length; i++) share += (double) budgets[i] / pictures.get(i).tokens() / budgets.length;
    int budget = (int) Math.round(Arrays.stream(budgets).average().orElseThrow());
    double withCut = plans.get(0).visionCuts().isEmpty() ? perTile : median(Taken::perTile);
    if (!inDecoder) {
      return new CostMeasurement.MethodSample(label, budget, new PruningCost.Point(share, withCut, 0, 1), Double.NaN, Double.NaN);
    }
    double beyond = Math.max(median(Taken::cuts), median(run -> run.prompt() - byRows(run, decoder, sizes)));
    double entering = median(run -> run.entering() / Math.max(1.0, PlannedRows.entering(plans.get(run.picture()),
        pictures.get(run.picture()).tokens())));
    return new CostMeasurement.MethodSample(label, budget, new PruningCost.Point(share, withCut, beyond, Math.min(1, entering)),
        median(Taken::prompt), median(run -> byRows(run, decoder, sizes)));
  }

  private double byRows(Taken run, CostModel decoder, List<PromptSize> sizes) {
    PromptSize size = sizes.get(run.picture());
    int[] rows = PlannedRows.inside(plans.get(run.picture()), size.cached().length, run.entering());
    return decoder.millis(Arrays.stream(rows).map(row -> row + size.text()).toArray(), size.cached());
  }
}
