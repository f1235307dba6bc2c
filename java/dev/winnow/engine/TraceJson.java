package dev.winnow.engine;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.WinnowException;
import dev.winnow.decoder.Segment;
import dev.winnow.kernels.Vectors;
import dev.winnow.prune.CutRecord;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;

/** Writes an answer as one JSON object of format {@code winnow.trace/1}. What is not finite or has no meaning is null. */
public final class TraceJson {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int TOP = 5;

  private TraceJson() {}

  /** One line without a line break at its end. */
  public static String write(Model model, Answer answer, boolean withScores, boolean withLogits) {
    try {
      return JSON.writeValueAsString(tree(model, answer, withScores, withLogits));
    } catch (IOException e) {
      throw new WinnowException("cannot write the trace: " + e.getMessage(), e);
    }
  }

  /** The same as a tree, to which a caller may add fields of its own. */
  public static ObjectNode tree(Model model, Answer answer, boolean withScores, boolean withLogits) {
    Report report = answer.report();
    ObjectNode root = JSON.createObjectNode();
    root.put("format", "winnow.trace/1");
    root.putObject("model").put("family", model.config().family()).put("dtype", model.dtype().label).put("device", model.device())
        .put("layers", model.config().text().layers());
    ObjectNode method = root.putObject("method").put("name", report.plan().method());
    ObjectNode params = method.putObject("params");
    report.plan().parameters().forEach((name, value) -> params.set(name, Json.value(value)));
    ObjectNode prompt = root.putObject("prompt");
    prompt.set("ids", ints(report.promptIds()));
    prompt.put("length", report.length());
    ArrayNode segments = prompt.putArray("segments");
    for (Segment segment : report.segments()) {
      ObjectNode node = segments.addObject().put("kind", segment.isText() ? "text" : segment.video() ? "video" : "image");
      if (!segment.isText()) node.put("image", segment.image());
      node.put("start", segment.start()).put("length", segment.length());
    }
    ArrayNode cuts = root.putArray("cuts");
    for (CutRecord cut : report.cuts()) cuts.add(cut(cut, withScores));
    root.putObject("positions").put("policy", report.plan().positions().name().toLowerCase(Locale.ROOT));
    ObjectNode kv = root.putObject("kv");
    kv.set("lengths_after_prefill", ints(report.kv().lengthsAfterPrompt()));
    kv.set("lengths_at_end", ints(report.kv().lengthsAtEnd()));
    kv.put("bytes_full", report.kv().bytesFull()).put("bytes_held", report.kv().bytesHeld()).put("bytes_freed", report.kv().bytesFreed());
    if (report.firstLogits() == null) root.putNull("first_token");
    else root.set("first_token", firstToken(report.firstLogits(), withLogits));
    ObjectNode generated = root.putObject("generated");
    generated.set("ids", ints(answer.ids()));
    generated.put("text", answer.text()).put("finish", answer.finish().name().toLowerCase(Locale.ROOT));
    timing(root.putObject("timing"), model, report.timing());
    ObjectNode flops = root.putObject("flops");
    number(flops, "prefill_full", report.flops().full());
    number(flops, "prefill", report.flops().pruned());
    number(flops, "theoretical_speedup", report.flops().speedup());
    return root;
  }

  private static ObjectNode cut(CutRecord cut, boolean withScores) {
    ObjectNode node = JSON.createObjectNode();
    node.put("site", cut.site().toString());
    if (cut.layers() != null) node.set("layers", ints(cut.layers()));
    node.put("image", cut.image()).put("before", cut.before()).put("after", cut.after());
    node.set("kept", ints(IntStream.of(cut.kept()).sorted().toArray()));
    node.put("order", "ascending");
    if (!cut.merged().isEmpty()) {
      ArrayNode merged = node.putArray("merged");
      for (CutRecord.Merged merge : cut.merged()) merged.addArray().add(merge.into()).add(ints(merge.from()));
    }
    number(node, "margin", cut.margin());
    if (withScores) node.set("scores", cut.scores() == null ? JsonNodeFactory.instance.nullNode() : floats(cut.scores()));
    node.put("micros", cut.nanos() / 1000);
    return node;
  }

  private static ObjectNode firstToken(float[] logits, boolean withLogits) {
    ObjectNode node = JSON.createObjectNode();
    ArrayNode top = node.putArray("top");
    Arrays.stream(Vectors.ranked(logits)).limit(TOP).forEach(id -> number(top.addObject().put("id", id), "logit", logits[id]));
    if (withLogits) node.set("logits", floats(logits));
    return node;
  }

  private static void timing(ObjectNode node, Model model, Report.Timing timing) {
    number(node, "load_ms", model.loadMillis());
    number(node, "image_ms", timing.image());
    number(node, "vision_ms", timing.vision());
    number(node, "prefill_ms", timing.prompt());
    number(node, "pruning_ms", timing.pruning());
    number(node, "ttft_ms", timing.firstToken());
    number(node, "decode_ms", timing.decode());
    number(node, "decode_tokens_per_second", timing.tokensPerSecond());
  }

  private static ArrayNode ints(int[] values) {
    ArrayNode array = JSON.createArrayNode();
    for (int value : values) array.add(value);
    return array;
  }

  private static ArrayNode floats(float[] values) {
    ArrayNode array = JSON.createArrayNode();
    for (float value : values) {
      if (Float.isFinite(value)) array.add(value);
      else array.addNull();
    }
    return array;
  }

  private static void number(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) node.put(name, value);
    else node.putNull(name);
  }

  private static void number(ObjectNode node, String name, float value) {
    if (Float.isFinite(value)) node.put(name, value);
    else node.putNull(name);
  }
}
