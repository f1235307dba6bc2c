package dev.winnow.conform;

import dev.winnow.checkpoint.RopeConfig;
import dev.winnow.decoder.Rope;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.patches.AnchorMerge;
import dev.winnow.prune.patches.AnchoredReducer;
import dev.winnow.prune.patches.BipartiteMatch;
import dev.winnow.prune.patches.DominantContextual;
import dev.winnow.prune.patches.Order;
import dev.winnow.prune.patches.Outliers;
import dev.winnow.prune.patches.PruMergeReducer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/** Golden cases of the methods that merge patches. */
final class MergeCases {
  /** Longest distance between two positions that a case may ask for. */
  private static final int FARTHEST = 1 << 20;

  private MergeCases() {}

  static void run(String method, String kind, PatchCase c) {
    switch (method) {
      case "visionzip" -> visionZip(c);
      case "tome" -> toMe(c);
      case "restore_anchors" -> restoreAnchors(kind, c);
      default -> pruMerge(c, method.equals("prumerge_plus"));
    }
  }

  private static void visionZip(PatchCase c) {
    Tensor hidden = c.tensor("hidden", PatchCase.ANY, PatchCase.ANY, PatchCase.ANY);
    int tiles = (int) hidden.size(0);
    int patches = (int) hidden.size(1) - 1;
    int dominant = c.param("dominant").asInt();
    int contextual = c.param("contextual").asInt();
    c.set("tokens", (dominant + contextual) * tiles).set("contextual", contextual);
    DominantContextual reducer = (DominantContextual) c.reducer(patches);
    Tensor metric = c.tensor("metric", tiles, patches + 1, PatchCase.ANY).unsqueeze(1);
    VisionFacts facts = new VisionFacts(hidden.narrow(1, 1, patches).contiguous()).withClassState(hidden.narrow(1, 0, 1).contiguous())
        .withProjections(reducer.block(), metric, metric);
    c.withClassAttention(facts, c.tensor("class_attention", tiles, PatchCase.ANY, patches + 1).narrow(2, 1, patches).contiguous());
    List<Reduction> reductions = c.reduce(facts);
    if (c.failsOfficially(reductions, patches, (dominant + contextual) * tiles)) return;
    c.scores(reductions);
    for (int t = 0; t < tiles; t++) {
      int[] kept = Arrays.stream(reductions.get(t).kept()).limit(dominant).map(patch -> patch + 1).toArray();
      c.check.ints("kept", kept, c.of("kept", t, tiles));
      int[] chosen = Arrays.stream(kept, 1, kept.length).map(position -> position - 1).toArray();
      DominantContextual.Contextual context = reducer.contextual(facts, t, chosen, contextual);
      c.check.ints("targets", Arrays.stream(context.targets()).map(patch -> patch + 1).toArray(), c.of("targets", t, tiles));
      c.check.ints("assignment", context.assignment(), c.of("assignment", t, tiles));
      c.check.ints("counts", Arrays.stream(context.members()).mapToInt(members -> members.length - 1).toArray(), c.of("counts", t, tiles));
      Tensor rows = reductions.get(t).rows();
      c.check.matrix("output", rows, c.of("output", t, tiles));
      CaseNode wanted = c.of("contextual_rows8", t, tiles);
      c.check.same("contextual_rows8.size", Math.min(4, context.targets().length), wanted.size());
      for (int i = 0; i < wanted.size(); i++) c.check.row("contextual_rows8[" + i + "]", rows, dominant + i, wanted.get(i));
    }
  }

  private static void pruMerge(PatchCase c, boolean plus) {
    Tensor all = c.tensor("features", PatchCase.ANY, PatchCase.ANY, PatchCase.ANY);
    int tiles = (int) all.size(0);
    int patches = (int) all.size(1) - 1;
    boolean adaptive = c.param("adaptive").asBoolean();
    c.set("adaptive", adaptive).set("ratio", c.param("ratio").asDouble());
    PruMergeReducer reducer = (PruMergeReducer) c.reducer(patches);
    Tensor keys = c.tensor("keys", tiles, patches + 1, PatchCase.ANY).unsqueeze(1);
    VisionFacts facts = new VisionFacts(all.narrow(1, 1, patches).contiguous())
        .withProjections(reducer.block(), c.tensor("queries", tiles, patches + 1, PatchCase.ANY).unsqueeze(1), keys);
    List<Reduction> reductions = c.reduce(facts);
    float[] attention = Tensors.toFloats(reducer.attention(facts));
    Outliers outliers = Outliers.of(attention);
    double share = outliers.count() / (double) attention.length;
    int each = (int) (patches * share);
    if (c.expected.has("error")) {
      pruMergeBeyondOfficial(c, reductions, patches, share, plus);
      return;
    }
    c.check.vector("class_attention", attention, c.wanted("class_attention"));
    if (adaptive) {
      c.check.value("q1", outliers.q1(), c.wanted("q1").asDouble());
      c.check.value("q3", outliers.q3(), c.wanted("q3").asDouble());
      c.check.value("threshold", outliers.fence(), c.wanted("threshold").asDouble());
      c.check.same("outliers", outliers.count(), c.wanted("outliers").asInt());
    }
    for (int t = 0; t < tiles; t++) {
      int[] rows = reductions.get(t).kept();
      int[] kept = Arrays.copyOf(rows, rows.length - 1);
      c.check.ints("kept", kept, c.of("kept", t, tiles));
      int[][] neighbours = reducer.neighbours(facts, t, kept);
      c.check.ints("neighbours_of_first", kept.length == 0 ? kept : Order.ascending(neighbours[0]), c.of("neighbours_of_first", t, tiles));
      c.check.ints("neighbours_of_last", kept.length == 0 ? kept : Order.ascending(neighbours[kept.length - 1]),
          c.of("neighbours_of_last", t, tiles));
      Tensor output = reductions.get(t).rows();
      c.check.matrix("output", output, c.wanted("output").get(t));
      c.check.row("extra_row8", output, (int) output.size(0) - 1, c.wanted("extra_row8").get(t));
      if (plus) {
        int strongest = adaptive ? each : (int) (patches * c.param("ratio").asDouble());
        c.check.same("added", kept.length - strongest, c.wanted("added").asInt());
        c.check.same("step", (int) (1 / (adaptive ? share : c.param("ratio").asDouble())), c.wanted("step").asInt());
        c.check.same("stride", stride(c, patches, share), c.wanted("stride").asInt());
        c.check.same("grid", grid(c, patches, share).length, c.wanted("grid").asInt());
      }
    }
  }

  /**
   * Where the public code fails: without outliers the stride is that for one, several tiles keep the same number of outliers each and a
   * supplement of their own, a fixed share takes its stride whatever its length, and a small tile has fewer neighbours than 32.
   */
  private static void pruMergeBeyondOfficial(PatchCase c, List<Reduction> reductions, int patches, double share, boolean plus) {
    boolean adaptive = c.param("adaptive").asBoolean();
    int strongest = (int) (patches * (adaptive ? share : c.param("ratio").asDouble()));
    int[] grid = plus ? grid(c, patches, share) : new int[0];
    for (Reduction reduction : reductions) {
      List<Integer> kept = Arrays.stream(reduction.kept()).limit(reduction.kept().length - 1L).boxed().toList();
      if (adaptive) c.check.same("distinct", kept.stream().distinct().count(), (long) kept.size());
      int[] added = IntStream.of(grid).filter(patch -> !adaptive || !kept.subList(0, strongest).contains(patch)).toArray();
      c.check.same("supplement", kept.subList(strongest, kept.size()), Arrays.stream(added).boxed().toList());
    }
  }

  private static int stride(PatchCase c, int patches, double share) {
    return c.param("adaptive").asBoolean() ? PruMergeReducer.stride(patches, share) : (int) (1 / c.param("ratio").asDouble());
  }

  /** All patches of PruMerge+'s supplement, those too that are kept already. */
  private static int[] grid(PatchCase c, int patches, double share) {
    int stride = stride(c, patches, share);
    int first = c.param("adaptive").asBoolean() ? 0 : stride / 2;
    return IntStream.iterate(first, patch -> patch < patches - 1, patch -> patch + stride).toArray();
  }

  private static void toMe(PatchCase c) {
    Tensor x = c.tensor("x", 1, PatchCase.ANY, PatchCase.ANY).select(0, 0).contiguous();
    float[] sizes = new float[(int) x.size(0)];
    Arrays.fill(sizes, 1);
    boolean classToken = c.param("class_token").asBoolean();
    for (int layer = 0; layer < c.param("r").size(); layer++) {
      CaseNode wanted = c.wanted("layers").get(layer);
      CaseNode given = c.input("metrics").get(layer);
      TensorSpec metric = TensorSpec.read(given);
      if (metric.shape().length != 2 || metric.rows() != x.size(0)) throw given.wrong("must have a row for each of its layer's tokens");
      Tensor rows = Tensors.floats(metric.values(), Tensors.CPU, metric.shape()[0], metric.shape()[1]);
      BipartiteMatch match = BipartiteMatch.of(rows, c.param("r").get(layer).asInt(), classToken);
      int[][] groups = match.members();
      c.check.same("r", match.from().length, wanted.get("r").asInt());
      boolean merges = match.from().length > 0;
      c.check.ints("unmerged", merges ? match.unmerged() : new int[0], wanted.get("unmerged"));
      c.check.same("merged.size", match.from().length, wanted.get("merged").size());
      for (int i = 0; i < match.from().length; i++) {
        c.check.ints("merged[" + i + "]", new int[] {match.from()[i], match.into()[i]}, wanted.get("merged").path(i));
      }
      if (merges) {
        x = BipartiteMatch.mean(x, groups, sizes);
        sizes = BipartiteMatch.sizes(groups, sizes);
      }
      c.check.same("rows", (int) x.size(0), wanted.get("rows").asInt());
      List<List<Integer>> merged = new ArrayList<>();
      for (int i = 0; i < sizes.length; i++) if (sizes[i] > 1) merged.add(List.of(i, (int) sizes[i]));
      List<List<Integer>> expected = new ArrayList<>();
      for (CaseNode pair : wanted.get("rows_with_size")) expected.add(List.of(pair.get(0).asInt(), pair.get(1).asInt()));
      c.check.same("rows_with_size", merged, expected);
      c.check.matrix("output", x, wanted.get("output"));
    }
  }

  private static void distanceBias(PatchCase c) {
    int[] distances = TensorSpec.ints(c.param("distances"));
    for (int i = 0; i < distances.length; i++) {
      if (distances[i] < 0 || distances[i] > FARTHEST) throw c.param("distances").get(i).mustBe("from 0 to " + FARTHEST);
    }
    int width = c.param("dim").asInt();
    if (width < 2 || width % 2 != 0 || width > FARTHEST) throw c.param("dim").mustBe("an even width of a head");
    c.check.same("bias.size", distances.length, c.wanted("bias").size());
    // the case gives the width of a head; the base is that of its formula
    try (Rope rope = new Rope(RopeConfig.plain(10000), width, Tensors.CPU)) {
      float[] bias = Tensors.toFloats(rope.distanceBias(Arrays.stream(distances).max().orElse(0) + 1));
      for (int i = 0; i < distances.length; i++) {
        c.check.value("bias[" + i + "]", bias[distances[i]], c.wanted("bias").get(i).asDouble());
      }
    }
  }

  private static void restoreAnchors(String kind, PatchCase c) {
    if (kind.equals("distance_bias")) {
      distanceBias(c);
      return;
    }
    Tensor rows = c.tensor("features", 1, PatchCase.ANY, PatchCase.ANY).select(0, 0).contiguous();
    int anchors = c.param("anchors").asInt();
    if (anchors < 0) throw c.param("anchors").mustBe("0 or more");
    int[][] groups;
    if (kind.equals("anchors")) {
      AnchorMerge merge = AnchorMerge.of(rows, anchors);
      groups = merge.groups();
      c.check.ints("anchors", merge.anchors(), c.wanted("anchors"));
      c.check.same("groups.size", groups.length, c.wanted("groups").size());
      for (int g = 0; g < groups.length; g++) c.check.ints("groups[" + g + "]", groups[g], c.wanted("groups").get(g));
    } else {
      int[] kept = c.rows(c.input("kept"), (int) rows.size(0));
      groups = AnchoredReducer.members(rows, IntStream.range(0, (int) rows.size(0)).toArray(), kept, kept.length + anchors);
      int start = c.param("start").asInt();
      c.check.ints("positions", Arrays.stream(groups).mapToInt(group -> start + AnchorMerge.place(group)).toArray(),
          c.wanted("positions"));
      c.check.same("members.size", groups.length, c.wanted("members").size());
      for (int g = 0; g < groups.length; g++) c.check.ints("members[" + g + "]", groups[g], c.wanted("members").get(g));
    }
    c.check.ints("sizes", Arrays.stream(groups).mapToInt(group -> group.length).toArray(), c.wanted("sizes"));
    c.check.matrix("output", AnchorMerge.means(rows, groups), c.wanted("output"));
  }
}
