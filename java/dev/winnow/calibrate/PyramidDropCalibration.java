package dev.winnow.calibrate;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import dev.winnow.engine.Model;
import dev.winnow.eval.EvalItem;
import dev.winnow.eval.EvalRun;
import dev.winnow.eval.LinePlot;
import dev.winnow.eval.Texts;
import dev.winnow.prune.LayerCut;
import dev.winnow.prune.Methods;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlannedRows;
import dev.winnow.vision.ImageReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * Finds layers for PyramidDrop's stages by VTW's criterion, which is an extension: neither paper does it. All candidates hold the same
 * number of
 * tokens on average over the layers, so that they cost alike; the one whose mean divergence of the first answer token is least wins. One
 * stage
 * after the other is moved to its best place between its neighbours until none moves any more: far fewer trials than all combinations, and
 * no promise of the best of them.
 */
public final class PyramidDropCalibration {
  private static final String METHOD = "pyramiddrop";

  private final Model model;
  private final List<EvalItem> items;
  private final int imageTokens;
  private final int budget;
  /** Every candidate that was tried, in order. */
  private final Map<String, PlanDivergences.Summary> tried = new LinkedHashMap<>();

  /**
   * What was found.
   *
   * @param layers of the stages
   * @param mean divergence in nats, {@code start} that of the published layers, or of the first ones that can meet the budget
   */
  public record Found(List<Integer> layers, double mean, List<Integer> startLayers, double start) {}

  /**
   * @param model computing in float32
   * @param budget tokens of a picture on average over the layers; empty for what the published settings hold
   */
  public PyramidDropCalibration(Model model, List<EvalItem> items, OptionalInt budget) {
    PlanDivergences.check(model, items);
    this.model = model;
    this.items = items;
    imageTokens = model.images().tokens(model.images().prepare(ImageReader.read(items.get(0).image()), false));
    this.budget = budget.orElseGet(() -> {
      return (int) Arrays.stream(PlannedRows.of(published(), model.shape().layers(), imageTokens)).average().orElse(0);
    });
  }

  public int budget() { return budget; }

  /**
   * Computes what {@code results} does not hold yet.
   *
   * @param progress by the name of a part of the search
   */
  public Found run(Path data, Path results, Function<String, EvalRun.Progress> progress) {
    Map<String, String> setting = Map.of("budget", String.valueOf(budget));
    try (PlanDivergences divergences = new PlanDivergences(model, items, METHOD, data, setting, results)) {
      List<Integer> start = start();
      double first = measure(divergences, List.of(start), progress.apply("questions at the start"));
      List<Integer> best = start;
      double least = first;
      boolean moved = true;
      for (int round = 1; moved; round++) {
        moved = false;
        for (int stage = 0; stage < best.size(); stage++) {
          List<List<Integer>> places = places(best, stage);
          if (places.isEmpty()) continue;
          measure(divergences, places, progress.apply("questions, round " + round + ", stage " + (stage + 1)));
          for (List<Integer> place : places) {
            double mean = tried.get(name(place)).mean();
            if (!(mean < least)) continue;
            least = mean;
            best = place;
            moved = true;
          }
        }
      }
      return new Found(best, least, start, first);
    }
  }

  /** Mean of the last one. */
  private double measure(PlanDivergences divergences, List<List<Integer>> candidates, EvalRun.Progress progress) {
    Map<String, Plan> plans = new LinkedHashMap<>();
    for (List<Integer> layers : candidates) plans.put(name(layers), plan(layers));
    tried.putAll(divergences.of(plans, progress));
    return tried.get(name(candidates.get(candidates.size() - 1))).mean();
  }

  /** The published layers; where they come too late for the budget, the first ones. */
  private List<Integer> start() {
    List<Integer> published = published().cuts().stream().map(LayerCut::layer).toList();
    if (meetsBudget(published)) return published;
    List<Integer> earliest = new ArrayList<>();
    for (int i = 0; i < published.size(); i++) earliest.add(i + 1);
    plan(earliest); // says what is wrong where these cannot meet it either
    return earliest;
  }

  private List<List<Integer>> places(List<Integer> layers, int stage) {
    int from = stage == 0 ? 1 : layers.get(stage - 1) + 1;
    int to = stage == layers.size() - 1 ? model.shape().layers() - 1 : layers.get(stage + 1) - 1;
    List<List<Integer>> places = new ArrayList<>();
    for (int layer = from; layer <= to; layer++) {
      List<Integer> place = new ArrayList<>(layers);
      place.set(stage, layer);
      if (layer != layers.get(stage) && meetsBudget(place)) places.add(place);
    }
    return places;
  }

  private boolean meetsBudget(List<Integer> layers) {
    try {
      plan(layers);
      return true;
    } catch (InvalidInputException e) {
      return false;
    }
  }

  private Plan published() { return Methods.named(METHOD).plan(model.shape(), Map.of(), OptionalInt.empty(), imageTokens); }

  private Plan plan(List<Integer> layers) {
    return Methods.named(METHOD).plan(model.shape(), Map.of("layers", name(layers)), OptionalInt.of(budget), imageTokens);
  }

  private static String name(List<Integer> layers) { return String.join(",", layers.stream().map(String::valueOf).toList()); }

  /** Writes {@code curve.csv}, {@code curve.png}, {@code pyramiddrop.json} and {@code plan.json}. */
  public void write(Found found, Path folder) {
    StringBuilder csv = new StringBuilder("layers,mean_divergence_nats,highest_divergence_nats,questions\n");
    tried.forEach((layers, summary) -> csv.append('"').append(layers).append("\",").append(Texts.cell(summary.mean(), 12)).append(',')
        .append(Texts.cell(summary.highest(), 12)).append(',').append(items.size()).append('\n'));
    Texts.write(folder.resolve("curve.csv"), csv.toString());
    LinePlot plot = new LinePlot("Moving one stage, the others where they were found best", "layer",
        "KL divergence of the first answer token, log10 of nats");
    for (int stage = 0; stage < found.layers().size(); stage++) {
      List<double[]> points = new ArrayList<>();
      points.add(new double[] {found.layers().get(stage), Math.log10(found.mean())});
      for (List<Integer> place : places(found.layers(), stage)) {
        points.add(new double[] {place.get(stage), Math.log10(tried.get(name(place)).mean())});
      }
      plot.line("stage " + (stage + 1), points);
    }
    plot.write(folder.resolve("curve.png"));
    Plan plan = plan(found.layers());
    ObjectNode foundBy = Texts.object().put("criterion", "mean KL(pruned || full) of the first answer token, float32").put("budget", budget)
        .put("mean_nats", found.mean()).put("start_layers", name(found.startLayers())).put("start_mean_nats", found.start())
        .put("questions", items.size());
    ObjectNode params = Texts.object().put("layers", name(found.layers())).put("ratios", plan.parameters().get("ratios"));
    PlanDivergences.writeSettings(plan, params, foundBy, folder);
  }
}
