package dev.winnow.conform;

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

  static void run(String method, CaseNode oneCase, Check check) {
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
    Tensor attention = c.tensor("class_attention", PatchCase.ANY, PatchCase.ANY, PatchCase.ANY);
    int tiles = (int) attention.size(0);
    int patches = (int) attention.size(2);
    c.set("tokens", c.perTile(tiles));
    List<Reduction> reductions = c.reduce(c.withClassAttention(PatchCase.featureless(tiles, patches), attention));
    if (c.failsOfficially(reductions, patches, c.perTile(tiles))) return;
    c.scores(reductions);
    c.kept(reductions);
  }

  private static void visPruner(PatchCase c) {
    VisionFacts facts = new VisionFacts(c.tensor("features", PatchCase.ANY, PatchCase.ANY, PatchCase.ANY));
    c.set("tokens", c.perTile(facts.tiles())).set("ratio", c.param("ratio").asDouble());
    Tensor attention = c.tensor("class_attention", facts.tiles(), PatchCase.ANY, facts.patches());
    List<Reduction> reductions = c.reduce(c.withClassAttention(facts, attention));
    if (c.expected.has("error")) {
      // a list of odd length goes on with one even place more
      int tokens = Math.min(facts.patches(), c.param("tokens").asInt());
      for (Reduction tile : reductions) c.check.same("tokens kept", (int) Arrays.stream(tile.kept()).distinct().count(), tokens);
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
      CaseNode afterFirst = c.of("residual_after_first_pass_first16", t, facts.tiles());
      c.check.same("residual_after_first_pass_first16 is there", list.list().length > target && target > 0, !afterFirst.isNull());
      if (list.list().length > target && target > 0 && !afterFirst.isNull()) {
        list.pass(target);
        c.check.ints("residual_after_first_pass_first16", Arrays.copyOf(list.list(), Math.min(16, list.list().length)),
            afterFirst);
      }
      c.check.ints("residual", list.reduceTo(target), c.of("residual", t, facts.tiles()));
      c.check.same("passes", list.passes(), c.wanted("passes").asInt());
    }
  }

  private static void hiRed(PatchCase c, String kind) {
    switch (kind) {
      case "single" -> {
        c.set("rate", c.param("rate").asDouble());
        Tensor attention = c.tensor("class_attention", 1, PatchCase.ANY, PatchCase.ANY);
        int patches = (int) attention.size(2);
        List<Reduction> reductions = c.reduce(c.withClassAttention(PatchCase.featureless(1, patches), attention));
        if (c.failsOfficially(reductions, patches, patches)) return;
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
        int tiles = 1 + grid.rows() * grid.columns();
        Tensor deep = c.tensor("deep_class_attention", tiles, PatchCase.ANY, PatchCase.ANY);
        Tensor shallow = c.tensor("shallow_class_attention", tiles, PatchCase.ANY, deep.size(2));
        VisionFacts facts = PatchCase.featureless(tiles, (int) deep.size(2)).withGrid(grid);
        for (int block : c.reducer(facts.patches()).needs().classRows()) facts.withClassAttention(block, block == 0 ? shallow : deep);
        List<Reduction> reductions = c.reduce(facts);
        if (c.failsOfficially(reductions, facts.patches(), tiles * facts.patches())) return;
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
    for (CaseNode pinpoint : c.param("pinpoints")) canvases.add(new TileGrid.Canvas(pinpoint.get(0).asInt(), pinpoint.get(1).asInt()));
    CaseNode size = c.param("image_size");
    if (c.param("tile").asInt() < 1) throw c.param("tile").mustBe("the side of a tile in pixels");
    TileGrid grid = TileGrid.of(size.get(1).asInt(), size.get(0).asInt(), canvases, c.param("tile").asInt());
    if (!c.expected.has("error")) c.check.ints("grid", new int[] {grid.rows(), grid.columns()}, c.wanted("grid"));
    return grid;
  }

  private static void foPru(PatchCase c) {
    Tensor map = c.tensor("scores", PatchCase.ANY, PatchCase.ANY, PatchCase.ANY, PatchCase.ANY);
    int tiles = (int) map.size(0);
    int patches = (int) map.size(2);
    if (map.size(3) != patches) throw c.input("scores").wrong("must have as many keys as queries");
    boolean rows = choice(c.param("strategy"), "rank", "row").equals("row");
    int side = rows ? c.side("scores", patches) : 1;
    boolean softmax = choice(c.param("entry"), "focal_prunning", "FocalPrunning", "softmax_received").equals("softmax_received");
    c.set("strategy", rows ? "row" : "rank").set("score", softmax ? "softmax_received" : "logit_maxvar");
    if (c.params.has("ratio")) c.set("ratio", c.param("ratio").asDouble());
    if (c.params.has("tokens")) c.set("tokens", c.perTile(tiles));
    if (c.params.has("rows")) c.set("tokens", Math.multiplyExact(c.param("rows").asInt(), side * tiles));
    if (c.expected.has("error")) {
      wholeRowsOnly(c, map, side);
      return;
    }
    Tensor scores = ((FocalScorer) c.scorer(patches)).significance(map).contiguous();
    for (int t = 0; t < tiles; t++) {
      Tensor mean = torch.mean(map.select(0, t), 0);
      double received = torch.var(torch.mean(mean, 0), true).item_float();
      double given = torch.var(torch.mean(mean, 1), true).item_float();
      if (!softmax) {
        c.check.value("var_received", received, c.of("var_received", t, tiles).asDouble());
        c.check.value("var_given", given, c.of("var_given", t, tiles).asDouble());
      }
      c.check.same("used", softmax || received > given ? "received" : "given", c.of("used", t, tiles).asText());
      Tensor own = scores.select(0, t);
      if (rows) c.check.vector("row_scores", Tensors.toFloats(TopRows.rowScores(own)), c.of("row_scores", t, tiles));
      else c.check.vector("significance", Tensors.toFloats(own), c.of("significance", t, tiles));
    }
    c.kept(c.select(PatchCase.featureless(tiles, patches), scores));
  }

  private static String choice(CaseNode node, String... words) {
    if (!List.of(words).contains(node.asText())) throw node.mustBe("one of " + String.join(", ", words));
    return node.asText();
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
    Tensor deep = c.tensor("deep_column_mean", PatchCase.ANY, PatchCase.ANY);
    int tiles = (int) deep.size(0);
    int patches = (int) deep.size(1) - 1;
    Tensor shallow = c.tensor("shallow_column_mean", tiles, patches + 1);
    c.side("deep_column_mean", patches);
    // the public code gives every tile the same and loses what does not divide
    c.set("tokens", c.param("tokens").asInt() / tiles * tiles).set("alpha", c.param("alpha").asDouble());
    AnchorNeighbours selector = (AnchorNeighbours) ((PatchReducer) c.reducer(patches)).selector();
    VisionFacts facts = PatchCase.featureless(tiles, patches);
    for (int block : c.reducer(patches).needs().received()) {
      facts.withAttentionReceived(block, (block == selector.middle() ? shallow : deep).narrow(1, 1, patches).contiguous());
    }
    List<Reduction> reductions = c.reduce(facts);
    if (c.failsOfficially(reductions, patches, c.param("tokens").asInt())) return;
    c.kept(reductions);
    for (int t = 0; t < tiles; t++) {
      c.check.same("per_tile", reductions.get(t).kept().length, c.wanted("per_tile").asInt());
      c.check.ints("anchors[" + t + "]", selector.anchors(facts, t, c.wanted("per_tile").asInt()), c.of("anchors", t, tiles));
    }
  }

  private static void scope(PatchCase c) {
    VisionFacts facts = new VisionFacts(c.tensor("features", PatchCase.ANY, PatchCase.ANY, PatchCase.ANY));
    c.set("tokens", c.perTile(facts.tiles())).set("alpha", c.param("alpha").asDouble());
    boolean weighted = c.inputs.has("class_attention");
    c.set("attention", weighted ? "class" : "none");
    if (weighted) c.withClassAttention(facts, c.tensor("class_attention", facts.tiles(), PatchCase.ANY, facts.patches()));
    List<Reduction> reductions = c.reduce(facts);
    if (c.failsOfficially(reductions, facts.patches(), c.perTile(facts.tiles()))) return;
    c.kept(reductions);
    PatchReducer reducer = (PatchReducer) c.reducer(facts.patches());
    for (int t = 0; t < facts.tiles(); t++) {
      Tensor scores = weighted ? reducer.scorer().score(facts).get(t) : null;
      c.check.ints("pick_order", ((Coverage) reducer.selector()).choose(facts, t, scores, c.param("tokens").asInt()),
          c.of("pick_order", t, facts.tiles()));
    }
  }
}
