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
    c.set("tokens", c.param("tokens").asInt() * tiles);
    List<Reduction> reductions = c.reduce(c.withClassAttention(PatchCase.featureless(tiles, (int) attention.size(2)), attention));
    c.scores(reductions);
    c.kept(reductions);
  }

  private static void visPruner(PatchCase c) {
    VisionFacts facts = new VisionFacts(c.tiles("features", 3));
    c.set("tokens", c.param("tokens").asInt() * facts.tiles()).set("ratio", c.param("ratio").asDouble());
    List<Reduction> reductions = c.reduce(c.withClassAttention(facts, c.tiles("class_attention", 3)));
    if (c.expected.has("error")) {
      // a list of odd length goes on with one even place more
      c.check.same("tokens kept", (int) Arrays.stream(reductions.get(0).kept()).distinct().count(), c.param("tokens").asInt());
      return;
    }
    c.scores(reductions);
    c.kept(reductions);
    int tokens = c.param("tokens").asInt();
    int important = (int) (tokens * c.param("ratio").asDouble());
    int target = tokens - important;
    for (int t = 0; t < facts.tiles(); t++) {
      int[] order = Order.falling(reductions.get(t).scores());
      c.check.ints("important", Arrays.copyOf(order, important), c.of("important", t, facts.tiles()));
      Tensor features = facts.features(t);
      ResidualList list = new ResidualList(Cosine.between(features, features), Arrays.copyOfRange(order, important, order.length));
      if (list.list().length > target && target > 0) {
        list.pass(target);
        c.check.ints("residual_after_first_pass_first16", Arrays.copyOf(list.list(), Math.min(16, list.list().length)),
            c.of("residual_after_first_pass_first16", t, facts.tiles()));
      }
      c.check.ints("residual", list.reduceTo(target), c.of("residual", t, facts.tiles()));
      c.check.same("passes", list.passes(), c.wanted("passes").asInt());
    }
  }

  private static void hiRed(PatchCase c, String kind) {
    switch (kind) {
      case "single" -> {
        c.set("rate", c.param("rate").asDouble());
        Tensor attention = c.tiles("class_attention", 3);
        List<Reduction> reductions = c.reduce(c.withClassAttention(PatchCase.featureless(1, (int) attention.size(2)), attention));
        c.scores(reductions);
        c.check.same("count", reductions.get(0).kept().length, c.wanted("count").asInt());
        c.kept(reductions);
      }
      case "budgets" -> {
        TileGrid grid = grid(c);
        float[] map = TensorSpec.read(c.input("hot_map")).values();
        boolean[] busy = new boolean[map.length];
        for (int i = 0; i < map.length; i++) busy[i] = map[i] > 0;
        c.check.ints("budgets", RegionShares.divide(busy, grid.rows() * grid.columns(), c.param("budget").asInt(), map.length),
            c.wanted("budgets"));
      }
      default -> {
        TileGrid grid = grid(c);
        c.set("rate", c.param("rate").asDouble()).set("alpha", c.param("alpha").asDouble());
        Tensor deep = c.tiles("deep_class_attention", 3);
        VisionFacts facts = PatchCase.featureless(1 + grid.rows() * grid.columns(), (int) deep.size(2)).withGrid(grid);
        for (int block : c.reducer(facts.patches()).needs().classRows()) {
          facts.withClassAttention(block, block == 0 ? c.tiles("shallow_class_attention", 3) : deep);
        }
        List<Reduction> reductions = c.reduce(facts);
        c.kept(reductions);
        c.check.same("full", reductions.get(0).kept().length, c.wanted("full").asInt());
        int[] counts = reductions.stream().mapToInt(reduction -> reduction.kept().length).toArray();
        c.check.ints("budgets", Arrays.copyOfRange(counts, 1, counts.length), c.wanted("budgets"));
        c.check.same("total_kept", Arrays.stream(counts).sum(), c.wanted("total_kept").asInt());
      }
    }
  }

  private static TileGrid grid(PatchCase c) {
    List<TileGrid.Canvas> canvases = new ArrayList<>();
    for (JsonNode pinpoint : c.param("pinpoints")) canvases.add(new TileGrid.Canvas(pinpoint.get(0).asInt(), pinpoint.get(1).asInt()));
    JsonNode size = c.param("image_size");
    TileGrid grid = TileGrid.of(size.get(1).asInt(), size.get(0).asInt(), canvases, c.param("tile").asInt());
    c.check.ints("grid", new int[] {grid.rows(), grid.columns()}, c.wanted("grid"));
    return grid;
  }

  private static void foPru(PatchCase c) {
    Tensor map = c.tiles("scores", 4);
    int patches = (int) map.size(2);
    int side = (int) Math.round(Math.sqrt(patches));
    boolean rows = c.param("strategy").asText().equals("row");
    c.set("strategy", rows ? "row" : "rank").set("score",
        c.param("entry").asText().equals("softmax_received") ? "softmax_received" : "logit_maxvar");
    if (c.params.has("ratio")) c.set("ratio", c.param("ratio").asDouble());
    if (c.params.has("tokens")) c.set("tokens", c.param("tokens").asInt());
    if (c.params.has("rows")) c.set("tokens", c.param("rows").asInt() * side);
    if (c.expected.has("error")) {
      wholeRowsOnly(c, map, side);
      return;
    }
    Tensor scores = ((FocalScorer) c.scorer(patches)).significance(map).contiguous();
    if (c.expected.has("var_received")) {
      Tensor mean = torch.mean(map, 1);
      double received = torch.var(torch.mean(mean, 1), new long[] {1}, true, true).item_float();
      double given = torch.var(torch.mean(mean, 2), new long[] {1}, true, true).item_float();
      c.check.value("var_received", received, c.wanted("var_received").asDouble());
      c.check.value("var_given", given, c.wanted("var_given").asDouble());
      c.check.same("used", received > given ? "received" : "given", c.wanted("used").asText());
    }
    if (c.expected.has("significance")) c.check.vector("significance", Tensors.toFloats(scores), c.wanted("significance"));
    if (c.expected.has("row_scores")) {
      c.check.vector("row_scores", Tensors.toFloats(TopRows.rowScores(scores.select(0, 0))), c.wanted("row_scores"));
    }
    c.kept(c.select(PatchCase.featureless(1, patches), scores));
  }

  /** Where the public routine fails: tokens that are not whole rows are refused, others are that many rows. */
  private static void wholeRowsOnly(PatchCase c, Tensor map, int side) {
    int patches = (int) map.size(2);
    int tokens = c.param("tokens").asInt();
    try {
      Tensor scores = ((FocalScorer) c.scorer(patches)).significance(map).contiguous();
      int[] kept = c.select(PatchCase.featureless(1, patches), scores).get(0).kept();
      c.check.same("rows of the grid", Arrays.stream(kept).map(patch -> patch / side).distinct().count(), (long) tokens / side);
      c.check.same("tokens", kept.length, tokens % side == 0 ? tokens : -1);
    } catch (InvalidInputException e) {
      c.check.same("refused", e.getMessage().contains("tokens"), tokens % side != 0);
    }
  }

  private static void hiPrune(PatchCase c) {
    Tensor deep = c.tiles("deep_column_mean", 2);
    Tensor shallow = c.tiles("shallow_column_mean", 2);
    int patches = (int) deep.size(1) - 1;
    int tiles = (int) deep.size(0);
    // the public code gives every tile the same and loses what does not divide
    c.set("tokens", c.param("tokens").asInt() / tiles * tiles).set("alpha", c.param("alpha").asDouble());
    AnchorNeighbours selector = (AnchorNeighbours) ((PatchReducer) c.reducer(patches)).selector();
    VisionFacts facts = PatchCase.featureless(tiles, patches);
    for (int block : c.reducer(patches).needs().received()) {
      facts.withAttentionReceived(block, (block == selector.middle() ? shallow : deep).narrow(1, 1, patches).contiguous());
    }
    List<Reduction> reductions = c.reduce(facts);
    c.kept(reductions);
    for (int t = 0; t < tiles; t++) {
      c.check.same("per_tile", reductions.get(t).kept().length, c.wanted("per_tile").asInt());
      c.check.ints("anchors[" + t + "]", selector.anchors(facts, t, c.wanted("per_tile").asInt()), c.of("anchors", t, tiles));
    }
  }

  private static void scope(PatchCase c) {
    VisionFacts facts = new VisionFacts(c.tiles("features", 3));
    c.set("tokens", c.param("tokens").asInt() * facts.tiles()).set("alpha", c.param("alpha").asDouble());
    boolean weighted = c.inputs.has("class_attention");
    c.set("attention", weighted ? "class" : "none");
    if (weighted) c.withClassAttention(facts, c.tiles("class_attention", 3));
    c.kept(c.reduce(facts));
    PatchReducer reducer = (PatchReducer) c.reducer(facts.patches());
    for (int t = 0; t < facts.tiles(); t++) {
      Tensor scores = weighted ? reducer.scorer().score(facts).get(t) : null;
      c.check.ints("pick_order", ((Coverage) reducer.selector()).choose(facts, t, scores, c.param("tokens").asInt()),
          c.of("pick_order", t, facts.tiles()));
    }
  }
}
