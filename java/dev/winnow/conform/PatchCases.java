package dev.winnow.conform;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.patches.AnchorNeighbours;
import dev.winnow.prune.patches.Cosine;
import dev.winnow.prune.patches.Coverage;
import dev.winnow.prune.patches.FocalScorer;
import dev.winnow.prune.patches.Order;
import dev.winnow.prune.patches.RegionShares;
import dev.winnow.prune.patches.ResidualList;
import dev.winnow.prune.patches.TopRows;
import dev.winnow.vision.TileGrid;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Golden cases of the methods before the projector that keep patches as they are. */
final class PatchCases {
  private PatchCases() {}

  static void run(String method, JsonNode oneCase, Check check) {
    PatchCase c = new PatchCase(method, oneCase, check);
    try (PointerScope scope = new PointerScope()) {
      switch (method) {
        case "fastervlm" -> fasterVlm(c);
        case "vispruner" -> visPruner(c);
        case "hired" -> hiRed(c, oneCase.get("kind").asText());
        case "fopru" -> foPru(c);
        case "hiprune" -> hiPrune(c);
        case "scope" -> scope(c);
        case "divprune", "cdpruner", "holov", "mmtok", "eadp" -> ProjectedCases.run(method, c);
        case "visionzip", "prumerge", "prumerge_plus", "tome", "restore_anchors" -> MergeCases.run(method, oneCase.get("kind").asText(), c);
        default -> check.same("method", "not supported", method);
      }
    }
  }

  private static void fasterVlm(PatchCase c) {
    Tensor attention = c.tiles("class_attention", 3);
    int tiles = (int) attention.size(0);
    c.set("tokens", c.params.get("tokens").asInt() * tiles);
    List<Reduction> reductions = c.reduce(c.withClassAttention(PatchCase.featureless(tiles, (int) attention.size(2)), attention));
    c.scores(reductions);
    c.kept(reductions);
  }

  private static void visPruner(PatchCase c) {
    VisionFacts facts = new VisionFacts(c.tiles("features", 3));
    c.set("tokens", c.params.get("tokens").asInt() * facts.tiles()).set("ratio", c.params.get("ratio").asDouble());
    List<Reduction> reductions = c.reduce(c.withClassAttention(facts, c.tiles("class_attention", 3)));
    if (c.expected.has("error")) {
      // a list of odd length goes on with one even place more
      c.check.same("tokens kept", (int) Arrays.stream(reductions.get(0).kept()).distinct().count(), c.params.get("tokens").asInt());
      return;
    }
    c.scores(reductions);
    c.kept(reductions);
    int target = c.params.get("tokens").asInt() - (int) (c.params.get("tokens").asInt() * c.params.get("ratio").asDouble());
    for (int t = 0; t < facts.tiles(); t++) {
      int[] important = TensorSpec.ints(c.of("important", t, facts.tiles()));
      int[] order = Order.falling(reductions.get(t).scores());
      c.check.ints("important", Arrays.copyOf(order, important.length), c.of("important", t, facts.tiles()));
      Tensor features = facts.features().select(0, t);
      ResidualList list = new ResidualList(Cosine.between(features, features), Arrays.copyOfRange(order, important.length, order.length));
      JsonNode first = c.expected.get("residual_after_first_pass_first16");
      if (!first.isNull()) {
        list.pass(target);
        c.check.ints("residual_after_first_pass_first16", Arrays.copyOf(list.list(), 16),
            c.of("residual_after_first_pass_first16", t, facts.tiles()));
      }
      c.check.ints("residual", list.reduceTo(target), c.of("residual", t, facts.tiles()));
      c.check.same("passes", list.passes(), c.expected.get("passes").asInt());
    }
  }

  private static void hiRed(PatchCase c, String kind) {
    switch (kind) {
      case "single" -> {
        c.set("rate", c.params.get("rate").asDouble());
        Tensor attention = c.tiles("class_attention", 3);
        List<Reduction> reductions = c.reduce(c.withClassAttention(PatchCase.featureless(1, (int) attention.size(2)), attention));
        c.scores(reductions);
        c.check.same("count", reductions.get(0).kept().length, c.expected.get("count").asInt());
        c.kept(reductions);
      }
      case "budgets" -> {
        TileGrid grid = grid(c);
        float[] map = TensorSpec.read(c.inputs.get("hot_map")).values();
        boolean[] busy = new boolean[map.length];
        for (int i = 0; i < map.length; i++) busy[i] = map[i] > 0;
        c.check.ints("budgets", RegionShares.divide(busy, grid.rows() * grid.columns(), c.params.get("budget").asInt(), map.length),
            c.expected.get("budgets"));
      }
      default -> {
        TileGrid grid = grid(c);
        c.set("rate", c.params.get("rate").asDouble()).set("alpha", c.params.get("alpha").asDouble());
        Tensor deep = c.tiles("deep_class_attention", 3);
        VisionFacts facts = PatchCase.featureless(1 + grid.rows() * grid.columns(), (int) deep.size(2)).withGrid(grid);
        for (int block : c.reducer(facts.patches()).needs().classRows()) {
          facts.withClassAttention(block, block == 0 ? c.tiles("shallow_class_attention", 3) : deep);
        }
        List<Reduction> reductions = c.reduce(facts);
        c.kept(reductions);
        c.check.same("full", reductions.get(0).kept().length, c.expected.get("full").asInt());
        int[] counts = reductions.stream().mapToInt(reduction -> reduction.kept().length).toArray();
        c.check.ints("budgets", Arrays.copyOfRange(counts, 1, counts.length), c.expected.get("budgets"));
        c.check.same("total_kept", Arrays.stream(counts).sum(), c.expected.get("total_kept").asInt());
      }
    }
  }

  private static TileGrid grid(PatchCase c) {
    List<TileGrid.Canvas> canvases = new ArrayList<>();
    for (JsonNode pinpoint : c.params.get("pinpoints")) canvases.add(new TileGrid.Canvas(pinpoint.get(0).asInt(), pinpoint.get(1).asInt()));
    JsonNode size = c.params.get("image_size");
    TileGrid grid = TileGrid.of(size.get(1).asInt(), size.get(0).asInt(), canvases, c.params.get("tile").asInt());
    c.check.ints("grid", new int[] {grid.rows(), grid.columns()}, c.expected.get("grid"));
    return grid;
  }

  private static void foPru(PatchCase c) {
    Tensor map = c.tiles("scores", 4);
    int patches = (int) map.size(2);
    int side = (int) Math.round(Math.sqrt(patches));
    boolean rows = c.params.get("strategy").asText().equals("row");
    c.set("strategy", rows ? "row" : "rank").set("score",
        c.params.get("entry").asText().equals("softmax_received") ? "softmax_received" : "logit_maxvar");
    if (c.params.has("ratio")) c.set("ratio", c.params.get("ratio").asDouble());
    if (c.params.has("tokens")) c.set("tokens", c.params.get("tokens").asInt());
    if (c.params.has("rows")) c.set("tokens", c.params.get("rows").asInt() * side);
    if (c.expected.has("error")) {
      // tokens that are not whole rows are refused
      try {
        c.reducer(patches);
        c.check.same("error", "none", "refused");
      } catch (InvalidInputException e) {
        c.check.same("error names the parameter", e.getMessage().contains("tokens"), true);
      }
      return;
    }
    Tensor scores = ((FocalScorer) c.scorer(patches)).significance(map).contiguous();
    if (c.expected.has("var_received")) {
      Tensor mean = torch.mean(map, 1);
      double received = torch.var(torch.mean(mean, 1), new long[] {1}, true, true).item_float();
      double given = torch.var(torch.mean(mean, 2), new long[] {1}, true, true).item_float();
      c.check.value("var_received", received, c.expected.get("var_received").asDouble());
      c.check.value("var_given", given, c.expected.get("var_given").asDouble());
      c.check.same("used", received > given ? "received" : "given", c.expected.get("used").asText());
    }
    if (c.expected.has("significance")) c.check.vector("significance", Tensors.toFloats(scores), c.expected.get("significance"));
    if (c.expected.has("row_scores")) {
      c.check.vector("row_scores", Tensors.toFloats(TopRows.rowScores(scores.select(0, 0))), c.expected.get("row_scores"));
    }
    c.kept(c.select(PatchCase.featureless(1, patches), scores));
  }

  private static void hiPrune(PatchCase c) {
    Tensor deep = c.tiles("deep_column_mean", 2);
    Tensor shallow = c.tiles("shallow_column_mean", 2);
    int patches = (int) deep.size(1) - 1;
    int tiles = (int) deep.size(0);
    c.set("tokens", c.params.get("tokens").asInt()).set("alpha", c.params.get("alpha").asDouble());
    AnchorNeighbours selector = (AnchorNeighbours) ((PatchReducer) c.reducer(patches)).selector();
    VisionFacts facts = PatchCase.featureless(tiles, patches);
    for (int block : c.reducer(patches).needs().received()) {
      facts.withAttentionReceived(block, (block == selector.middle() ? shallow : deep).narrow(1, 1, patches).contiguous());
    }
    List<Reduction> reductions = c.reduce(facts);
    c.kept(reductions);
    for (int t = 0; t < tiles; t++) {
      c.check.same("per_tile", reductions.get(t).kept().length, c.expected.get("per_tile").asInt());
      c.check.ints("anchors[" + t + "]", selector.anchors(facts, t, c.expected.get("per_tile").asInt()), c.of("anchors", t, tiles));
    }
  }

  private static void scope(PatchCase c) {
    VisionFacts facts = new VisionFacts(c.tiles("features", 3));
    c.set("tokens", c.params.get("tokens").asInt() * facts.tiles()).set("alpha", c.params.get("alpha").asDouble());
    boolean weighted = c.inputs.has("class_attention");
    c.set("attention", weighted ? "class" : "none");
    if (weighted) c.withClassAttention(facts, c.tiles("class_attention", 3));
    c.kept(c.reduce(facts));
    PatchReducer reducer = (PatchReducer) c.reducer(facts.patches());
    for (int t = 0; t < facts.tiles(); t++) {
      Tensor scores = weighted ? reducer.scorer().score(facts).select(0, t).contiguous() : null;
      c.check.ints("pick_order", ((Coverage) reducer.selector()).choose(facts, t, scores, c.params.get("tokens").asInt()),
          c.of("pick_order", t, facts.tiles()));
    }
  }
}
