package dev.winnow.calibrate;

import dev.winnow.bench.BenchStats;
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
import dev.winnow.vision.RgbImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;

/**
 * One method at one budget under measurement. Where nothing in the decoder is the method's doing, only tower and cut are run: the prompt
 * behind them is one of fewer rows.
 */
final class CostArm {
  private static final String TEXT = "What is to be seen in this picture, and where is it? Name every object with its colour and its size,"
      + " say what it stands on and what is beside it, and tell which of them belong together.";

  private static final long WARM_UP_NANOS = 500_000_000;

  private final String label;
  private final int budget;
  private final Plan plan;
  private final boolean inDecoder;
  private final List<Double> vision = new ArrayList<>();
  private final List<Double> prompt = new ArrayList<>();
  /** What the records of cuts in the decoder and its caches say. */
  private final List<Double> cuts = new ArrayList<>();

  CostArm(String label, int budget, Plan plan) {
    this.label = label;
    this.budget = budget;
    this.plan = plan;
    this.inDecoder = !plan.removesNothing() || plan.repairs();
  }

  String label() { return label; }

  static Question question(RgbImage image) { return Question.of(TEXT).image(image).maxTokens(1); }

  /** Runs for a while without being counted: a small model is fast enough for Java that is not compiled yet to show. */
  void warmUp(Model model, RgbImage image, PixelBatch prepared) {
    long begin = System.nanoTime();
    do {
      run(model, image, prepared, false);
    } while (System.nanoTime() - begin < WARM_UP_NANOS);
  }

  /** @param prepared the same picture */
  void measure(Model model, RgbImage image, PixelBatch prepared) { run(model, image, prepared, true); }

  private void run(Model model, RgbImage image, PixelBatch prepared, boolean measured) {
    if (inDecoder) ask(model, image, measured);
    else encode(model, prepared, measured);
  }

  private void ask(Model model, RgbImage image, boolean measured) {
    try (Session session = model.newSession()) {
      Report report = session.ask(question(image).plan(plan)).report();
      if (!measured) return;
      vision.add(report.timing().vision());
      prompt.add(report.timing().prompt());
      cuts.add(report.cuts().stream().filter(CostArm::isInDecoder).mapToDouble(cut -> cut.nanos() / 1e6).sum());
    }
  }

  private static boolean isInDecoder(CutRecord cut) { return cut.site().kind() == Site.Kind.LAYER || cut.site().kind() == Site.Kind.CACHE; }

  private void encode(Model model, PixelBatch picture, boolean measured) {
    try (PointerScope scope = new PointerScope()) {
      QuestionText text = model.questionText(TEXT, words ->
          model.decoder().embed(model.tokenizer().encode(List.of(new PromptPiece.Text(words)))), scope);
      long begin = System.nanoTime();
      model.images().encode(picture, plan, 0, text).rows().close();
      if (measured) vision.add((System.nanoTime() - begin) / 1e6);
    }
  }

  /**
   * Cuts in the decoder take what the prompt took beyond its rows, and no less than their own records say: those leave out moving rows,
   * choosing raters, watching attention for the cache, and projections of rows that a layer drops only then.
   *
   * @param perTile of the tower without a cut
   * @param size of {@link #question}
   */
  CostMeasurement.MethodSample sample(CostModel decoder, double perTile, PromptSize size, int tiles) {
    int image = size.images()[0];
    double withCut = plan.visionCuts().isEmpty() ? perTile : BenchStats.median(vision) / tiles;
    double share = (double) budget / image;
    if (!inDecoder) {
      return new CostMeasurement.MethodSample(label, budget, new PruningCost.Point(share, withCut, 0), Double.NaN, Double.NaN);
    }
    int[] rows = Arrays.stream(PlannedRows.of(plan, decoderLayers(size), image)).map(row -> row + size.text()).toArray();
    double byRows = decoder.millis(rows, size.cached());
    double took = BenchStats.median(prompt);
    double beyond = Math.max(BenchStats.median(cuts), took - byRows);
    return new CostMeasurement.MethodSample(label, budget, new PruningCost.Point(share, withCut, beyond), took, byRows);
  }

  private static int decoderLayers(PromptSize size) { return size.cached().length; }
}
