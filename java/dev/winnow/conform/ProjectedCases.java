package dev.winnow.conform;

import dev.winnow.kernels.Tensors;
import dev.winnow.prune.ClipFacts;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.patches.ChunkQuotas;
import dev.winnow.prune.patches.ConditionalDpp;
import dev.winnow.prune.patches.Cosine;
import dev.winnow.prune.patches.ImportantCoverage;
import dev.winnow.prune.patches.Keywords;
import dev.winnow.prune.patches.MaxMinReducer;
import dev.winnow.prune.patches.TextCoverage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** Golden cases of the methods that look at projected rows. */
final class ProjectedCases {
  private ProjectedCases() {}

  static void run(String method, PatchCase c) {
    switch (method) {
      case "divprune" -> divPrune(c);
      case "cdpruner" -> cdPruner(c);
      case "holov" -> holoV(c);
      case "mmtok" -> mmTok(c);
      default -> eadp(c);
    }
  }

  private static VisionFacts projected(PatchCase c, String name) {
    Tensor rows = c.tensor(name, PatchCase.ANY, PatchCase.ANY, PatchCase.ANY);
    return new VisionFacts(rows).withProjected(rows);
  }

  private static void divPrune(PatchCase c) {
    VisionFacts facts = projected(c, "features");
    c.set("ratio", c.param("ratio").asDouble());
    if (c.failsOfficially(c.reduce(facts), facts.patches(), facts.tiles() * facts.patches())) return;
    int[] order = ((MaxMinReducer) c.reducer(facts.patches())).choose(facts);
    c.check.same("count", order.length, c.wanted("count").asInt());
    c.check.ints("pick_order", order, c.wanted("pick_order"));
    c.kept(c.reduce(facts));
    Tensor rows = facts.projected(0);
    Tensor similarity = Cosine.between(rows.narrow(0, 0, 1), rows).select(0, 0);
    c.check.vector("distance_row0", Tensors.toFloats(similarity.neg().add(new Scalar(1.0))), c.wanted("distance_row0"));
  }

  private static void cdPruner(PatchCase c) {
    VisionFacts facts = projected(c, "features");
    Tensor image = c.tensor("image_embeds", facts.tiles(), facts.patches(), PatchCase.ANY);
    facts.withClip(ClipFacts.of(image, c.tensor("text_embeds", PatchCase.ANY, image.size(2)), null));
    c.options("centred").set("tokens", c.perTile(facts.tiles()));
    List<Reduction> reductions = c.reduce(facts);
    if (c.failsOfficially(reductions, facts.patches(), c.perTile(facts.tiles()))) return;
    c.kept(reductions);
    ConditionalDpp dpp = (ConditionalDpp) ((PatchReducer) c.reducer(facts.patches())).selector();
    for (int t = 0; t < facts.tiles(); t++) {
      c.check.ints("pick_order", dpp.choose(facts, t, c.param("tokens").asInt()), c.of("pick_order", t, facts.tiles()));
      Tensor weight = dpp.weights(facts, t);
      Tensor rows = dpp.rows(facts, t);
      Tensor kernel = Cosine.between(rows, rows).mul(weight.unsqueeze(0)).mul(weight.unsqueeze(1));
      c.check.vector("kernel_diagonal", Tensors.toFloats(kernel.diagonal()), c.of("kernel_diagonal", t, facts.tiles()));
      c.check.vector("kernel_row0", Tensors.toFloats(kernel.select(0, 0)), c.of("kernel_row0", t, facts.tiles()));
    }
  }

  private static void holoV(PatchCase c) {
    VisionFacts facts = projected(c, "features");
    Tensor attention = c.tensor("class_attention", facts.tiles(), facts.patches()).unsqueeze(1);
    c.options("surplus").set("tokens", c.perTile(facts.tiles())).set("chunks", c.param("chunks").asInt());
    List<Reduction> reductions = c.reduce(c.withClassAttention(facts, attention));
    if (c.failsOfficially(reductions, facts.patches(), c.perTile(facts.tiles()))) return;
    int[] begin = ((ChunkQuotas) c.reducer(facts.patches())).bounds(facts.patches());
    for (int t = 0; t < facts.tiles(); t++) {
      int[] kept = reductions.get(t).kept();
      List<Integer> wanted = new ArrayList<>();
      for (CaseNode patch : c.of("output_order", t, facts.tiles())) wanted.add(patch.isNull() ? Reduction.NO_PATCH : patch.asInt());
      c.check.same("output_order", Arrays.stream(kept).boxed().toList(), wanted);
      int[] perChunk = new int[begin.length - 1];
      for (int i = 0; i < perChunk.length; i++) {
        int chunk = i;
        perChunk[i] = (int) Arrays.stream(kept).filter(patch -> patch >= begin[chunk] && patch < begin[chunk + 1]).count();
      }
      c.check.ints("rows_per_chunk", perChunk, c.of("rows_per_chunk", t, facts.tiles()));
      c.check.same("zero_rows", (int) Arrays.stream(kept).filter(patch -> patch == Reduction.NO_PATCH).count(),
          c.of("zero_rows", t, facts.tiles()).asInt());
      c.check.matrix("output[" + t + "]", reductions.get(t).rows(), c.of("output", t, facts.tiles()));
    }
  }

  private static void mmTok(PatchCase c) {
    if (c.inputs.has("questions")) {
      c.check.same("keywords.size", c.input("questions").size(), c.wanted("keywords").size());
      for (int i = 0; i < c.input("questions").size(); i++) {
        c.check.same("keywords[" + i + "]", Keywords.of(c.input("questions").get(i).asText()),
            c.wanted("keywords").get(i).asText());
      }
      return;
    }
    VisionFacts facts = new VisionFacts(c.tensor("vision_clip", 1, PatchCase.ANY, PatchCase.ANY));
    Tensor vision = c.tensor("vision", 1, facts.patches(), PatchCase.ANY);
    facts.withProjected(vision);
    c.set("tokens", c.param("tokens").asInt());
    for (String name : List.of("alpha", "text_temperature", "vision_temperature")) c.set(name, c.params.get(name).asDouble());
    TextCoverage selector = (TextCoverage) ((PatchReducer) c.reducer(facts.patches())).selector();
    int[] excluded = c.params.has("excluded") ? c.rows(c.param("excluded"), facts.patches()) : new int[0];
    Tensor text = c.tensor("text", PatchCase.ANY, vision.size(2));
    int[] order = selector.choose(facts, 0, text, c.param("tokens").asInt(), excluded);
    if (c.failsOfficially(List.of(Reduction.of(order, null)), facts.patches(), c.param("tokens").asInt())) return;
    c.check.ints("pick_order", order, c.wanted("pick_order"));
    Arrays.sort(order);
    c.check.ints("kept", order, c.wanted("kept"));
  }

  private static void eadp(PatchCase c) {
    VisionFacts facts = projected(c, "features");
    if (c.param("tiles").asInt() != facts.tiles()) throw c.param("tiles").mustBe(facts.tiles() + " as in inputs.features");
    c.side("features", facts.patches());
    Tensor image = c.tensor("image_embeds", facts.tiles(), facts.patches(), PatchCase.ANY);
    Tensor pooled = c.tensor("text_pooled", PatchCase.ANY, image.size(2));
    facts.withClip(ClipFacts.of(image, pooled, c.tensor("text_tokens", pooled.size(0), PatchCase.ANY, image.size(2))));
    c.set("tokens", c.perTile(facts.tiles())).set("alpha", c.param("alpha").asDouble()).set("beta", c.param("beta").asDouble());
    List<Reduction> reductions = c.reduce(facts);
    if (c.failsOfficially(reductions, facts.patches(), c.perTile(facts.tiles()))) return;
    c.kept(reductions);
    ImportantCoverage selector = (ImportantCoverage) ((PatchReducer) c.reducer(facts.patches())).selector();
    for (int t = 0; t < facts.tiles(); t++) {
      float[] importance = reductions.get(t).scores();
      c.check.vector("importance", importance, c.of("importance", t, facts.tiles()));
      c.check.same("quota", reductions.get(t).kept().length, c.wanted("quotas").get(t).asInt());
      Tensor scores = Tensors.floats(importance, Tensors.CPU, importance.length);
      c.check.ints("pick_order", selector.choose(facts, t, scores, c.wanted("quotas").get(t).asInt()),
          c.of("pick_order", t, facts.tiles()));
    }
  }
}
