package dev.winnow.conform;

import dev.winnow.decoder.KvCache;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.SequenceRun;
import dev.winnow.kernels.Tensors;
import dev.winnow.kernels.Vectors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;

/**
 * Cases of kind {@code llm_trace}: a prompt of given rows through the small model under a method, then greedy decoding; and
 * {@code shape_trace}, the same with imposed keep-lists.
 */
final class LlmTrace {
  private LlmTrace() {}

  static void run(String method, CaseNode oneCase, Check check) {
    CaseNode inputs = oneCase.get("inputs");
    CaseNode expected = oneCase.get("expected");
    int pre = inputs.get("prompt").get("pre").asInt();
    int vision = inputs.get("prompt").get("vision").asInt();
    int text = inputs.get("prompt").get("text").asInt();
    TensorSpec embeds = TensorSpec.read(inputs.get("inputs_embeds"));
    try (GoldenModel model = new GoldenModel(inputs.get("model")); SequenceRun run = new SequenceRun(model.decoder())) {
      int layers = model.decoder().config().layers();
      Witness witness = new Witness();
      Plan plan = witness.hearing(GoldenPlan.of(method, oneCase.get("params"), layers, vision));
      float[] logits = prompt(run, embeds, plan, pre, vision, text);
      if (expected.has("error")) {
        check.finite("where the original code fails, prefill.logits", logits);
        return;
      }
      prefill(expected, run, logits, pre, vision, text, witness, check);
      Plan uncut = new Plan(method, plan.parameters(), plan.cuts(), plan.positions(), plan.cached());
      try (SequenceRun again = new SequenceRun(model.decoder())) {
        if (!plan.cacheCuts().isEmpty()) prompt(again, embeds, uncut, pre, vision, text);
        positions(expected.get("prefill").path("positions"), (plan.cacheCuts().isEmpty() ? run : again).sequence().cache(), check);
      }
      List<Integer> tokens = new ArrayList<>();
      tokens.add(Vectors.argmax(logits));
      int step = 0;
      for (CaseNode wanted : expected.get("decode")) {
        String at = "decode[" + step++ + "]";
        int cutsBefore = run.cuts().size();
        check.same(at + ".token_in", tokens.get(tokens.size() - 1), wanted.get("token_in").asInt());
        run.token(tokens.get(tokens.size() - 1));
        logits = advance(run);
        if (wanted.has("positions")) check.ints(at + ".positions", newestPositions(run.sequence().cache()), wanted.get("positions"));
        if (wanted.has("kv_lengths")) check.ints(at + ".kv_lengths", run.sequence().cache().lengths(), wanted.get("kv_lengths"));
        if (wanted.has("kept")) ranked(at, run.cuts().subList(cutsBefore, run.cuts().size()), wanted, check);
        check.vector(at + ".logits", logits, wanted.get("logits"));
        tokens.add(Vectors.argmax(logits));
      }
      check.same("greedy_tokens", tokens, list(expected.get("greedy_tokens")));
    }
  }

  /** What a step ranked anew. Without an image there is nothing to rank, and the engine records nothing. */
  private static void ranked(String at, List<CutRecord> cuts, CaseNode wanted, Check check) {
    check.ints(at + ".kept", cuts.isEmpty() ? new int[0] : cuts.get(0).kept(), wanted.get("kept"));
    if (wanted.has("scores")) check.vector(at + ".scores", cuts.isEmpty() ? new float[0] : cuts.get(0).scores(), wanted.get("scores"));
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

  private static void prefill(CaseNode expected, SequenceRun run, float[] logits, int pre, int vision, int text, Witness witness,
      Check check) {
    StageChecks.compare(expected, run, pre, vision, text, witness, check);
    KvCache cache = run.sequence().cache();
    CaseNode prefill = expected.get("prefill");
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
  private static void positions(CaseNode wanted, KvCache cache, Check check) {
    List<Integer> named = new ArrayList<>();
    for (CaseNode group : wanted) {
      for (CaseNode layer : group.get("layers")) {
        named.add(layer.asInt());
        check.ints("prefill.positions[" + layer.asInt() + "]", cache.positions(layer.asInt()), group.get("ids"));
      }
    }
    List<Integer> all = IntStream.range(0, cache.layers()).boxed().toList();
    if (wanted.isArray()) check.same("prefill.positions layers", all, named.stream().sorted().toList());
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

  private static List<Integer> list(CaseNode array) {
    List<Integer> values = new ArrayList<>();
    array.forEach(value -> values.add(value.asInt()));
    return values;
  }
}
