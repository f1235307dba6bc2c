package dev.winnow.eval;

import dev.winnow.InvalidInputException;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.Model;
import dev.winnow.engine.SequenceRun;
import dev.winnow.prune.Plan;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.RgbImage;
import dev.winnow.vision.VisionObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Measures what {@link CostModel} is fitted to: prompts of a few lengths and one picture's tower, in turn, so that a disturbance of the
 * machine meets all alike; medians.
 */
public final class CostMeasurement {
  /** Sides of the picture, in the tower's own: large enough to be cut into tiles where the family does that. */
  private static final int PICTURE_SIDES = 2;
  private static final int TEXT_ROWS = 64;
  private static final double[] SHARES = {1 / 16.0, 1 / 8.0, 1 / 4.0, 1 / 2.0, 3 / 4.0, 1};

  private final Model model;
  private final PixelBatch picture;
  private final int[] lengths;

  /**
   * What was measured.
   *
   * @param samples medians
   */
  public record Measured(CostModel model, List<CostModel.Sample> samples) {}

  public CostMeasurement(Model model) {
    this.model = model;
    int side = PICTURE_SIDES * model.config().vision().imageSize();
    picture = model.images().prepare(new RgbImage(side, side, new byte[3 * side * side]), false);
    int longest = Math.min(model.images().tokens(picture) + TEXT_ROWS, model.config().text().maxPositions());
    lengths = IntStream.range(0, SHARES.length).map(i -> (int) Math.ceil(longest * SHARES[i])).distinct().toArray();
  }

  /** @param runs repetitions, after one that is not counted */
  public Measured run(int runs, EvalRun.Progress progress) {
    if (runs < 1) throw new InvalidInputException("runs must be 1 or more, not " + runs);
    List<List<Double>> prompts = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) prompts.add(new ArrayList<>());
    List<Double> tower = new ArrayList<>();
    for (int run = 0; run <= runs; run++) {
      progress.at(run, runs + 1);
      for (int i = 0; i < lengths.length; i++) add(prompts.get(i), prompt(lengths[i]), run);
      add(tower, tower(), run);
    }
    progress.at(runs + 1, runs + 1);
    List<CostModel.Sample> samples = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) samples.add(new CostModel.Sample(lengths[i], BenchStats.median(prompts.get(i))));
    return new Measured(CostModel.fit(samples, model.config().text().layers(), BenchStats.median(tower) / picture.tiles()), samples);
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

  private double tower() {
    long begin = System.nanoTime();
    model.images().encode(picture, VisionObserver.NONE).close();
    return (System.nanoTime() - begin) / 1e6;
  }
}
