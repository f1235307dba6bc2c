package dev.winnow.conform;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.decoder.PositionPolicy;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.SequenceRun;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.CacheCut;
import dev.winnow.prune.Candidates;
import dev.winnow.prune.DualFilter;
import dev.winnow.prune.LayerCut;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Scorer;
import dev.winnow.prune.Selector;
import dev.winnow.prune.Selectors;
import dev.winnow.prune.TextAttention;
import dev.winnow.prune.methods.MustDrop;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** The cases of MustDrop inside the decoder that are no plain traces: the filter, the cache policy, traces with imposed keep-lists. */
final class MustDropCases {
  private static final Scorer TEXT = new TextAttention(TextAttention.Raters.ALL, TextAttention.Pool.SUM);
  /** Layers behind which the official code prunes. */
  private static final int[] AFTER = {2, 6, 10, 14};
  private static final int LAYERS = 32;

  private MustDropCases() {}

  static void filter(CaseNode inputs, CaseNode params, CaseNode expected, Check check) {
    try (PointerScope scope = new PointerScope()) {
      Candidates candidates = AttentionInput.candidates(inputs.get("logits"), inputs.get("prompt"), null);
      Tensor scores = TEXT.score(candidates);
      check.floats("column_sums", Tensors.toFloats(Selectors.scoresAlone(scores)), expected.get("column_sums"));
      check.floats("column_max", Tensors.toFloats(DualFilter.columnMax(scores)), expected.get("column_max"));
      check.sum("total", Tensors.toFloats(Selectors.scoresAlone(scores).sum())[0], expected.get("total").asDouble());
      for (int i = 0; i < params.get("thresholds").size(); i++) {
        CaseNode pair = params.get("thresholds").get(i);
        int[] kept = new DualFilter(pair.get(0).asDouble(), pair.get(1).asDouble(), List.of()).filter(scores);
        check.ints("kept[" + i + "]", kept, expected.get("kept").get(i));
      }
    }
  }

  /** A filter whose outcome is given; key tokens, by original index, are added as behind the real one. */
  record Imposed(int[] filtered, List<Integer> keys) implements Selector {
    @Override public int[] select(Candidates candidates, Tensor scores) {
      int[] original = candidates.original();
      IntStream protectedTokens = IntStream.range(0, original.length).filter(i -> keys.contains(original[i]));
      return IntStream.concat(IntStream.of(filtered), protectedTokens).distinct().sorted().toArray();
    }
  }

  /**
   * MustDrop with its filter replaced by {@code kept_per_stage}, candidate numbers of each stage.
   *
   * @param scorer null where nothing is asked about scores, and where there may be no text to score by
   */
  private static Plan imposed(CaseNode params, Scorer scorer, int layers, boolean cutsCache) {
    List<Integer> keys = IntStream.of(TensorSpec.ints(params.path("key_tokens"))).boxed().toList();
    List<LayerCut> cuts = new ArrayList<>();
    for (int i = 0; i < params.get("kept_per_stage").size(); i++) {
      Imposed given = new Imposed(TensorSpec.ints(params.get("kept_per_stage").get(i)), keys);
      cuts.add(new LayerCut(AFTER[i] + 1, scorer, given, LayerCut.Effect.DROP));
    }
    List<CacheCut> cacheCuts = cutsCache ? List.of(MustDrop.cachePolicy(AFTER[0], layers, true)) : List.of();
    return new Plan("mustdrop", Map.of(), null, cuts, cacheCuts, PositionPolicy.RENUMBER, true);
  }

  static Plan imposed(CaseNode params, int layers, boolean cutsCache) { return imposed(params, TEXT, layers, cutsCache); }

  /** Runs a tiny model with and without the policy: which rows of every cache stay is what is asked, not what they hold. */
  static void cachePolicy(CaseNode inputs, CaseNode params, CaseNode expected, Check check) {
    int pre = inputs.get("prompt").get("pre").asInt();
    int vision = inputs.get("prompt").get("vision").asInt();
    int text = inputs.get("prompt").get("text").asInt();
    try (GoldenModel model = new GoldenModel(tinyModel())) {
      int[][] before = origins(model, imposed(params, null, LAYERS, false), pre, vision, text);
      int[][] after = origins(model, imposed(params, null, LAYERS, true), pre, vision, text);
      for (CaseNode group : expected.get("cache")) {
        for (CaseNode layer : group.get("layers")) {
          int[] held = before[layer.asInt()];
          check.same("length_before[" + layer + "]", held.length, group.get("length_before").asInt());
          check.ints("gather[" + layer + "]", Arrays.stream(after[layer.asInt()]).map(origin -> Arrays.binarySearch(held,
              origin)).toArray(), group.get("gather"));
        }
      }
    }
  }

  private static int[][] origins(GoldenModel model, Plan plan, int pre, int vision, int text) {
    try (SequenceRun run = new SequenceRun(model.decoder()); PointerScope scope = new PointerScope()) {
      int rows = pre + vision + text;
      float[] values = new float[rows * model.decoder().config().hidden()];
      for (int i = 0; i < values.length; i++) values[i] = TensorSpec.hash32(1, i, 1);
      run.prompt(Tensors.floats(values, Tensors.CPU, rows, model.decoder().config().hidden()), LlmTrace.segments(pre, vision, text), 0,
          plan, 0);
      SequenceRun.advance(model.decoder(), List.of(run), StepObserver.NONE);
      return IntStream.range(0, LAYERS).mapToObj(layer -> run.sequence().cache().origins(layer)).toArray(int[][]::new);
    }
  }

  private static ObjectNode tinyModel() {
    ObjectNode model = JsonNodeFactory.instance.objectNode().put("arch", "llama").put("hidden", 8).put("heads", 1).put("kv_heads",
        1).put("layers", LAYERS)
        .put("ffn", 8).put("vocab", 8).put("rms_eps", 1e-6).put("rope_theta", 10000.0);
    model.putObject("weights").put("id_offset", 0).put("scale", 1.0).put("embed_scale", 1.0).put("head_scale", 1.0);
    return model;
  }
}
