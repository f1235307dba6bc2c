package dev.winnow.conform;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.decoder.KvCache;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.SequenceRun;
import dev.winnow.kernels.Tensors;
import dev.winnow.kernels.Vectors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Plan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.bytedeco.javacpp.PointerScope;

/**
 * Cases of kind {@code llm_trace}: a prompt of given rows through the small model under a method, then greedy decoding; and
 * {@code shape_trace}, the same with imposed keep-lists.
 */
final class LlmTrace {
  private LlmTrace() {}

  static void run(String method, JsonNode oneCase, Check check) {
    JsonNode inputs = oneCase.get("inputs");
    JsonNode expected = oneCase.get("expected");
    JsonNode params = oneCase.get("params");
    int pre = inputs.get("prompt").get("pre").asInt();
    int vision = inputs.get("prompt").get("vision").asInt();
    int text = inputs.get("prompt").get("text").asInt();
    TensorSpec embeds = TensorSpec.read(inputs.get("inputs_embeds"));
    try (GoldenModel model = new GoldenModel(inputs.get("model")); SequenceRun run = new SequenceRun(model.decoder())) {
      int layers = model.decoder().config().layers();
      Plan plan = params.has("kept_per_stage") ? MustDropCases.imposed(params.get("kept_per_stage"), layers, true) : plan(method, params,
          layers, vision);
      float[] logits = prompt(run, embeds, plan, pre, vision, text);
      if (expected.has("error")) {
        check.finite("where the original code fails, prefill.logits", logits);
        return;
      }
      prefill(expected, run, logits, pre, vision, text, check);
      Plan uncut = new Plan(method, plan.parameters(), plan.cuts(), plan.positions(), plan.cached());
      try (SequenceRun again = new SequenceRun(model.decoder())) {
        if (!plan.cacheCuts().isEmpty()) prompt(again, embeds, uncut, pre, vision, text);
        positions(expected.get("prefill").path("positions"), (plan.cacheCuts().isEmpty() ? run : again).sequence().cache(), check);
      }
      List<Integer> tokens = new ArrayList<>();
      tokens.add(Vectors.argmax(logits));
      int step = 0;
      for (JsonNode wanted : expected.get("decode")) {
        String at = "decode[" + step++ + "]";
        int cutsBefore = run.cuts().size();
        check.same(at + ".token_in", tokens.get(tokens.size() - 1), wanted.get("token_in").asInt());
        run.token(tokens.get(tokens.size() - 1));
        logits = advance(run);
        if (wanted.has("positions")) check.ints(at + ".positions", newestPositions(run.sequence().cache()), wanted.get("positions"));
        if (wanted.has("kv_lengths")) check.ints(at + ".kv_lengths", run.sequence().cache().lengths(), wanted.get("kv_lengths"));
        if (wanted.has("kept")) {
          CutRecord cut = run.cuts().get(cutsBefore);
          check.ints(at + ".kept", cut.kept(), wanted.get("kept"));
          if (wanted.has("scores")) check.vector(at + ".scores", cut.scores(), wanted.get("scores"));
        }
        check.vector(at + ".logits", logits, wanted.get("logits"));
        tokens.add(Vectors.argmax(logits));
      }
      check.same("greedy_tokens", tokens, list(expected.get("greedy_tokens")));
    }
  }

  private static float[] prompt(SequenceRun run, TensorSpec embeds, Plan plan, int pre, int vision, int text) {
    try (PointerScope scope = new PointerScope()) {
      run.prompt(Tensors.floats(embeds.values(), Tensors.CPU, embeds.shape()[0], embeds.shape()[1]), segments(pre, vision, text), 0, plan,
          8);
    }
    return advance(run);
  }

  private static float[] advance(SequenceRun run) {
    return SequenceRun.advance(run.decoder(), List.of(run), StepObserver.NONE)[0];
  }

  static List<Segment> segments(int pre, int vision, int text) {
    List<Segment> segments = new ArrayList<>();
    if (pre > 0) segments.add(new Segment(-1, 0, pre));
    if (vision > 0) segments.add(new Segment(0, pre, vision));
    if (text > 0) segments.add(new Segment(-1, pre + vision, text));
    return segments;
  }

  /** The golden parameter names are those of the methods' papers, their code's layers are literal; this is where they become ours. */
  private static Plan plan(String method, JsonNode params, int layers, int vision) {
    Map<String, String> given = new HashMap<>();
    params.properties().forEach(field -> {
      String value = text(field.getValue());
      switch (field.getKey()) {
        case "decode_steps" -> {}
        case "prune_ratio" -> given.put("ratio", value);
        case "budget" -> given.put("table", value);
        default -> given.put(field.getKey(), value);
      }
    });
    if (method.equals("sparsevlm")) given.putIfAbsent("layers", given.get("version").equals("rank") ? "2,6,15,19" : "2,6,15");
    if (method.equals("mustdrop")) given.putIfAbsent("layers", "2,6,10,14");
    Method named = Methods.named(method);
    return named.plan(new ModelShape(layers, 0, true), given, OptionalInt.empty(), vision);
  }

  private static String text(JsonNode value) {
    if (!value.isArray()) return value.asText();
    List<String> items = new ArrayList<>();
    value.forEach(item -> items.add(item.asText()));
    return String.join(",", items);
  }

  private static void prefill(JsonNode expected, SequenceRun run, float[] logits, int pre, int vision, int text, Check check) {
    StageChecks.compare(expected, run, pre, vision, text, check);
    KvCache cache = run.sequence().cache();
    JsonNode prefill = expected.get("prefill");
    if (prefill.has("logits")) check.vector("prefill.logits", logits, prefill.get("logits"));
    if (prefill.has("kv")) {
      check.ints("prefill.kv.lengths", cache.lengths(), prefill.get("kv").get("lengths"));
      for (int i = 0; i < cache.layers() && prefill.get("kv").has("key_sums"); i++) {
        double[] sums = cache.sums(i);
        check.sum("prefill.kv.key_sums[" + i + "]", sums[0], prefill.get("kv").get("key_sums").get(i).asDouble());
        check.sum("prefill.kv.value_sums[" + i + "]", sums[1], prefill.get("kv").get("value_sums").get(i).asDouble());
      }
    }
  }

  /** The positions that the layers worked with; what a cut of the cache leaves of them is not asked. */
  private static void positions(JsonNode wanted, KvCache cache, Check check) {
    for (JsonNode group : wanted) {
      for (JsonNode layer : group.get("layers")) {
        check.ints("prefill.positions[" + layer.asInt() + "]", cache.positions(layer.asInt()), group.get("ids"));
      }
    }
  }

  /** Position of the newest row in every layer. */
  private static int[] newestPositions(KvCache cache) {
    int[] newest = new int[cache.layers()];
    for (int i = 0; i < newest.length; i++) {
      int[] positions = cache.positions(i);
      newest[i] = positions[positions.length - 1];
    }
    return newest;
  }

  private static List<Integer> list(JsonNode array) {
    List<Integer> values = new ArrayList<>();
    array.forEach(value -> values.add(value.asInt()));
    return values;
  }
}
