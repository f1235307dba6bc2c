package dev.winnow.conform;

import dev.winnow.kernels.Tensors;
import dev.winnow.prune.Candidates;
import dev.winnow.prune.CorrectedTextAttention;
import dev.winnow.prune.Count;
import dev.winnow.prune.DensityPeaks;
import dev.winnow.prune.RankRule;
import dev.winnow.prune.Selector;
import dev.winnow.prune.Selectors;
import dev.winnow.prune.TextAttention;
import dev.winnow.prune.methods.SparseVlm;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** The cases of SparseVLM that are no traces: raters, scores, clustering, the distance weight, the tables. */
final class SparseVlmCases {
  private SparseVlmCases() {}

  static void raters(CaseNode inputs, CaseNode expected, Check check) {
    try (PointerScope scope = new PointerScope()) {
      float[] scores = TextAttention.resemblance(matrix(inputs.get("vision")), matrix(inputs.get("text")));
      check.floats("scores", scores, expected.get("scores"));
      check.value("mean", TextAttention.mean(scores), expected.get("mean").asDouble());
      check.ints("raters", TextAttention.chosen(scores, TextAttention.Raters.ABOVE_MEAN), expected.get("raters"));
    }
  }

  static void score(CaseNode inputs, CaseNode params, CaseNode expected, Check check) {
    try (PointerScope scope = new PointerScope()) {
      Candidates candidates = AttentionInput.candidates(inputs.get("logits"), inputs.get("prompt"), TensorSpec.ints(params.get("raters")));
      Tensor scores = new TextAttention(TextAttention.Raters.ABOVE_MEAN, TextAttention.Pool.MEAN).score(candidates);
      int[] kept = selector(params, candidates.count()).select(candidates, scores);
      check.floats("scores", Tensors.toFloats(Selectors.scoresAlone(scores)), expected.get("scores"));
      check.ints("kept", kept, expected.get("kept"));
      check.same("pruned", kept.length < candidates.count(), expected.get("pruned").asBoolean());
    }
  }

  private static Selector selector(CaseNode params, int present) {
    if (params.get("rule").asText().equals("rank")) return new RankRule(params.get("scale").asDouble(), params.get("bias").asDouble());
    int stage = switch (params.get("layer").asInt()) {
      case 2 -> 0;
      case 6 -> 1;
      default -> 2;
    };
    return new Selectors.Top(Count.tokens(SparseVlm.table("1_0", params.get("budget").asInt())[stage]), 0, false, 1);
  }

  static void clustering(CaseNode inputs, CaseNode params, CaseNode expected, Check check) {
    try (PointerScope scope = new PointerScope()) {
      DensityPeaks.Clusters clusters = new DensityPeaks(0.3, 10, false).cluster(matrix(inputs.get("points")),
          params.get("clusters").asInt());
      check.matrix("tokens", clusters.rows(), expected.get("tokens"));
      check.rows("rows_first8", clusters.rows(), expected.get("rows_first8"));
    }
  }

  static void gravity(CaseNode params, CaseNode expected, Check check) {
    for (int i = 0; i < params.get("distances").size(); i++) {
      double weight = CorrectedTextAttention.weight(params.get("distances").get(i).asInt(), params.get("head_dim").asInt(),
          params.get("rope_theta").asDouble());
      check.value("weights[" + i + "]", weight, expected.get("weights").get(i).asDouble());
    }
  }

  static void schedule(CaseNode params, CaseNode expected, Check check) {
    for (CaseNode wanted : expected.get("schedules")) {
      int[][] got = SparseVlm.schedule(params.get("version").asText(), wanted.get("budget").asInt(), wanted.get("vision_tokens").asInt());
      for (int i = 0; i < wanted.get("kept_and_clusters").size(); i++) {
        check.ints("budget " + wanted.get("budget") + " of " + wanted.get("vision_tokens") + ", stage " + i, got[i],
            wanted.get("kept_and_clusters").get(i));
      }
    }
  }

  private static Tensor matrix(CaseNode descriptor) {
    TensorSpec spec = TensorSpec.read(descriptor);
    return Tensors.floats(spec.values(), Tensors.CPU, spec.shape()[0], spec.shape()[1]);
  }
}
