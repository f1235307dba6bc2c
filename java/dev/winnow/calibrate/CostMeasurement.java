package dev.winnow.calibrate;

import dev.winnow.InvalidInputException;
import dev.winnow.eval.BenchStats;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.Model;
import dev.winnow.engine.PromptSize;
import dev.winnow.engine.SequenceRun;
import dev.winnow.engine.Session;
import dev.winnow.eval.EvalRun;
import dev.winnow.eval.Variant;
import dev.winnow.prune.Plan;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.RgbImage;
import dev.winnow.vision.VisionObserver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Measures what {@link CostModel} and {@link PruningCost} are made from: prompts of a few lengths, a picture's tower, and methods at a few
 * budgets, in turn, so that a disturbance of the machine meets all alike; medians. Every round takes the next picture, since what a method
 * costs that merges by likeness depends on what is to be seen.
 */
public final class CostMeasurement {
  private static final int TEXT_ROWS = 64;
  private static final double[] LENGTHS = {1 / 16.0, 1 / 8.0, 1 / 4.0, 1 / 2.0, 3 / 4.0, 1};
  private static final double[] BUDGETS = {1 / 8.0, 1 / 3.0, 2 / 3.0};

  private final Model model;
  private final List<CostPicture> pictures;
  private final int[] lengths;
  private final List<CostArm> arms = new ArrayList<>();

  /**
   * What was measured.
   *
   * @param perTile milliseconds of tower and projector per tile when nothing is removed
   * @param samples medians of prompts that nothing is removed from
   * @param methods what was added, in that order
   * @param imageTokens of a picture, on average over the pictures
   */
  public record Measured(CostModel decoder, double perTile, List<CostModel.Sample> samples, List<MethodSample> methods, int imageTokens) {
    /** By {@link Variant#sortedLabel}. */
    public Map<String, PruningCost> pruning() {
      Map<String, List<PruningCost.Point>> points = new LinkedHashMap<>();
      for (MethodSample sample : methods) points.computeIfAbsent(sample.label(), label -> new ArrayList<>()).add(sample.point());
      Map<String, PruningCost> costs = new LinkedHashMap<>();
      points.forEach((label, measured) -> costs.put(label, new PruningCost(imageTokens, measured)));
      return costs;
    }
  }

  /**
   * One method at one budget.
   *
   * @param prompt median milliseconds of the whole prompt in the decoder, and {@code byRows} what its rows alone are expected to take;
   *     both NaN for a method that cuts only before the decoder, whose prompt is one of fewer rows like any other
   */
  public record MethodSample(String label, int budget, PruningCost.Point point, double prompt, double byRows) {}

  /** @param images one or more */
  public CostMeasurement(Model model, List<RgbImage> images) {
    this.model = model;
    pictures = images.stream().map(image -> CostPicture.of(model, image)).toList();
    int most = pictures.stream().mapToInt(CostPicture::tokens).max().orElseThrow();
    int longest = Math.min(most + TEXT_ROWS, model.config().text().maxPositions());
    lengths = IntStream.range(0, LENGTHS.length).map(i -> (int) Math.ceil(longest * LENGTHS[i])).distinct().toArray();
  }

  /**
   * Measures a method too, at those budgets that it can meet.
   *
   * @throws InvalidInputException if it can meet none, or not with this model
   */
  public void add(Variant variant) {
    InvalidInputException refused = null;
    int before = arms.size();
    int[] last = {};
    for (double share : BUDGETS) {
      int[] budgets = pictures.stream().mapToInt(picture -> (int) Math.round(picture.tokens() * share)).toArray();
      if (Arrays.equals(budgets, last)) continue;
      last = budgets;
      try {
        List<Plan> plans = new ArrayList<>();
        for (int i = 0; i < budgets.length; i++) plans.add(plan(variant, budgets[i], pictures.get(i)));
        arms.add(new CostArm(variant.sortedLabel(), pictures, budgets, plans));
      } catch (InvalidInputException e) {
        refused = e;
      }
    }
    if (arms.size() == before) throw refused;
  }

  private Plan plan(Variant variant, int budget, CostPicture picture) {
    Plan plan = variant.plan(model.shape(), OptionalInt.of(budget), picture.tokens());
    if (plan.visionCuts().isEmpty() && plan.removesNothing()) {
      throw new InvalidInputException("'" + variant.label() + "' removes nothing; name a method that does");
    }
    model.images().check(picture.prepared(), plan);
    return plan;
  }

  /** What one round takes, for people. */
  public String round() {
    return lengths.length + " prompts, the tower and " + arms.stream().map(CostArm::label).distinct().count() + " methods at up to "
        + BUDGETS.length + " budgets";
  }

  /** @param runs repetitions, after one that is not counted; as many as there are pictures, or more */
  public Measured run(int runs, EvalRun.Progress progress) {
    if (runs < 1) throw new InvalidInputException("runs must be 1 or more, not " + runs);
    if (runs < pictures.size()) {
      throw new InvalidInputException("every run takes the next picture, so " + runs + " runs leave out some of the " + pictures.size()
          + "; give --runs " + pictures.size() + " or more, or fewer pictures");
    }
    List<List<Double>> prompts = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) prompts.add(new ArrayList<>());
    List<Double> tower = new ArrayList<>();
    for (int run = 0; run <= runs; run++) {
      progress.at(run, runs + 1);
      int picture = run % pictures.size();
      for (int i = 0; i < lengths.length; i++) add(prompts.get(i), prompt(lengths[i]), run);
      add(tower, perTile(pictures.get(picture).prepared()), run);
      for (CostArm arm : arms) {
        if (run == 0) arm.warmUp(model);
        else arm.measure(model, picture);
      }
    }
    progress.at(runs + 1, runs + 1);
    List<CostModel.Sample> samples = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) samples.add(new CostModel.Sample(lengths[i], BenchStats.median(prompts.get(i))));
    CostModel decoder = CostModel.fit(samples, model.config().text().layers());
    double perTile = BenchStats.median(tower);
    int tokens = (int) Math.round(pictures.stream().mapToInt(CostPicture::tokens).average().orElseThrow());
    return new Measured(decoder, perTile, samples, methods(decoder, perTile), tokens);
  }

  private List<MethodSample> methods(CostModel decoder, double perTile) {
    try (Session session = model.newSession()) {
      List<PromptSize> sizes = pictures.stream().map(picture -> session.size(CostArm.question(picture))).toList();
      return arms.stream().map(arm -> arm.sample(decoder, perTile, sizes)).toList();
    }
  }

  private static void add(List<Double> times, double millis, int run) {
    if (run > 0) times.add(millis);
  }

  private double prompt(int rows) {
    int[] ids = IntStream.range(0, rows).map(i -> i % model.config().text().vocab()).toArray();
    try (PointerScope scope = new PointerScope(); SequenceRun run = new SequenceRun(model.decoder())) {
      Tensor embedded = model.decoder().embed(ids);
      long begin = System.nanoTime();
      run.prompt(embedded, List.of(new Segment(-1, 0, rows)), 0, Plan.NONE, 0);
      SequenceRun.advance(model.decoder(), List.of(run), StepObserver.NONE);
      return (System.nanoTime() - begin) / 1e6;
    }
  }

  private double perTile(PixelBatch picture) {
    long begin = System.nanoTime();
    model.images().encode(picture, VisionObserver.NONE).close();
    return (System.nanoTime() - begin) / 1e6 / picture.tiles();
  }
}
