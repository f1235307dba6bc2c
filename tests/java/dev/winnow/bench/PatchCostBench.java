package dev.winnow.bench;

import dev.winnow.eval.BenchStats;
import dev.winnow.checkpoint.TextConfig;
import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.SequenceRun;
import dev.winnow.engine.Threads;
import dev.winnow.eval.Variant;
import dev.winnow.kernels.Dtype;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Plan;
import dev.winnow.prune.QuestionText;
import dev.winnow.prune.VisionCapture;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import dev.winnow.prune.VisionReducer;
import dev.winnow.vision.TileGrid;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What the methods before the decoder cost at the shapes of LLaVA-1.5 7B and LLaVA-NeXT 7B, beside the prompt that they save: capture of
 * what a method looks at, CLIP's text tower for the methods that ask it, scores and selection, over noise of CLIP ViT-L/14-336's shape. The
 * prompt is measured in the same run with one layer of random weights in bfloat16, with all and with the remaining rows; times 32 it stands
 * for the model. Arguments: {@code [runs] [threads] ['METHOD KEY=VALUE ...']...}; medians are printed. Methods that work inside the tower
 * save time there, which this does not run: ToMe is left out.
 */
public final class PatchCostBench {
  private static final List<String> METHODS = List.of("fastervlm", "visionzip", "prumerge", "prumerge_plus", "fopru", "vispruner", "hired",
      "divprune", "cdpruner relevance=none", "cdpruner", "holov", "scope", "mmtok", "hiprune", "eadp relevance=none", "eadp",
      "restore_anchors");
  private static final int PATCHES = 576;
  private static final int TEXT = 64;
  private static final VisionConfig TOWER = new VisionConfig("clip", 1024, 4096, 24, 16, 336, 14, 1e-5, "quick_gelu", List.of(23), false);
  private static final TextConfig LAYER = BenchShape.LLAVA_1_5_7B.config(1);

  private PatchCostBench() {}

  public static void main(String[] args) {
    int runs = args.length > 0 ? Integer.parseInt(args[0]) : 5;
    Threads.use(args.length > 1 ? Integer.parseInt(args[1]) : Threads.available());
    List<String> methods = args.length > 2 ? List.of(args).subList(2, args.length) : METHODS;
    try (BenchModel model = new BenchModel(LAYER, Dtype.BFLOAT16, 1); BenchClip clip = new BenchClip(BenchShape.LLAVA_1_5_7B.clip(), 3)) {
      for (VisionNeeds.Clip wanted : List.of(VisionNeeds.Clip.WHOLE_TEXT, VisionNeeds.Clip.EVERY_POSITION)) {
        System.out.printf(Locale.ROOT, "CLIP's text tower, %s: %.1f ms%n", wanted, textTower(clip, wanted, runs));
      }
      table(model, clip, methods, 1, 128, runs);
      table(model, clip, methods, 5, 640, Math.min(runs, 3));
    }
  }

  private static void table(BenchModel model, BenchClip clip, List<String> methods, int tiles, int budget, int runs) {
    int rows = tiles * PATCHES;
    List<Double> full = new ArrayList<>();
    List<Double> pruned = new ArrayList<>();
    List<List<Double>> costs = methods.stream().map(method -> (List<Double>) new ArrayList<Double>()).toList();
    for (int run = 0; run <= runs; run++) {
      double all = prompt(model, TEXT + rows);
      double some = prompt(model, TEXT + budget);
      for (int m = 0; m < methods.size(); m++) {
        double cost = cost(methods.get(m), clip, tiles, budget);
        if (run > 0) costs.get(m).add(cost);
      }
      if (run == 0) continue;
      full.add(all);
      pruned.add(some);
    }
    double saved = 32 * (BenchStats.median(full) - BenchStats.median(pruned));
    System.out.printf(Locale.ROOT, "%d patches to %d: one layer %.0f ms and %.0f ms, 32 layers save %.0f ms%n", rows, budget,
        BenchStats.median(full), BenchStats.median(pruned), saved);
    for (int m = 0; m < methods.size(); m++) {
      double cost = BenchStats.median(costs.get(m));
      System.out.printf(Locale.ROOT, "%-24s %8.2f ms  %6.3f %% of what is saved%n", methods.get(m), cost, 100 * cost / saved);
    }
  }

  private static double prompt(BenchModel model, int rows) {
    try (PointerScope scope = new PointerScope(); SequenceRun run = new SequenceRun(model.decoder())) {
      Tensor prompt = model.rows(rows, 2);
      BenchClock watch = new BenchClock();
      run.prompt(prompt, List.of(new Segment(-1, 0, rows)), 0, Plan.NONE, 0);
      SequenceRun.advance(model.decoder(), List.of(run), StepObserver.NONE);
      return watch.lap().wall();
    }
  }

  private static double cost(String method, BenchClip clip, int tiles, int budget) {
    ModelShape shape = new ModelShape(32, 24, true, 22, 24, true);
    VisionReducer reducer = Variant.parse(method).plan(shape, OptionalInt.of(budget), tiles * PATCHES).visionCuts().get(0).reducer();
    try (PointerScope scope = new PointerScope(); VisionCapture capture = new VisionCapture(reducer.needs(), null, TOWER)) {
      Tensor query = noise(tiles, 16, PATCHES + 1, 64);
      Tensor key = noise(tiles, 16, PATCHES + 1, 64);
      Tensor hidden = noise(tiles, PATCHES + 1, 1024);
      Tensor features = hidden.narrow(1, 1, PATCHES);
      Tensor projected = noise(tiles, PATCHES, 4096);
      Tensor words = noise(6, 4096);
      BenchClock watch = new BenchClock();
      for (int block = 0; block < 24; block++) {
        capture.projections(block, query, key, key);
        capture.afterBlock(block, hidden);
      }
      VisionFacts facts = capture.facts(features)
          .withProjected(projected)
          .withGrid(tiles == 1 ? null : new TileGrid(672, 672, 672, 672, 336))
          .withQuestion(new QuestionText("What colour is the small round sign?", text -> words, clip.question(scope)));
      VisionNeeds.Clip wanted = reducer.needs().clip();
      if (wanted != VisionNeeds.Clip.NOTHING) facts.withClip(facts.question().beside(facts, wanted));
      reducer.reduce(facts);
      return watch.lap().wall();
    }
  }

  /** Median of the tower alone, and one patch. */
  private static double textTower(BenchClip clip, VisionNeeds.Clip wanted, int runs) {
    List<Double> times = new ArrayList<>();
    for (int run = 0; run <= runs; run++) {
      try (PointerScope scope = new PointerScope()) {
        VisionFacts facts = new VisionFacts(noise(1, 1, 1024));
        BenchClock watch = new BenchClock();
        clip.question(scope).beside(facts, wanted);
        double wall = watch.lap().wall();
        if (run > 0) times.add(wall);
      }
    }
    return BenchStats.median(times);
  }

  private static Tensor noise(long... shape) { return torch.randn(shape).to(ScalarType.Float); }
}
