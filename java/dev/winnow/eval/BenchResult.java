package dev.winnow.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.WinnowException;
import dev.winnow.engine.Flops;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What {@link BenchPrefill} measured, as a table or as JSON. */
public record BenchResult(BenchModelOptions options, int threads, List<Row> rows) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final double MIB = 1 << 20;

  /**
   * One plan. Times are medians in milliseconds.
   *
   * @param prefillCpu processor time of all threads of the process meanwhile; well below {@code prefill} times threads where others use the
   *     machine
   * @param pruning part of {@code prefill}: scoring, selecting, moving rows, and what the cut makes the layer compute again
   * @param decode of one generated token; NaN where none was; {@code decodeCpu} likewise in processor time
   * @param speedup prefill of the plan that removes nothing, over this one
   * @param flops of the prompt
   * @param fullBytes what the pool would hold for the cache at the end had nothing been removed; {@code heldBytes} what it held
   * @param rows cached per layer when the prompt was done
   * @param samples every measured prefill, in order
   */
  public record Row(String method, Map<String, String> parameters, double prefill, double prefillCpu, double pruning, double decode,
      double decodeCpu, double speedup, Flops flops, long fullBytes, long heldBytes, int[] rows, List<Double> samples) {
    /** Measured speed-up as a share of the one that the operations promise. */
    public double achieved() { return speedup / flops.speedup(); }

    public double pruningShare() { return pruning / prefill; }
  }

  /** Lines of a table, without a line break at the end. */
  public String table() {
    StringBuilder text = new StringBuilder();
    text.append(line("%s, %d of %d layers, %s, cpu, %d thread%s; %d text + %d image rows, then %d tokens; medians of %d interleaved runs", options.shape().label(),
        options.layers(), options.shape().layers(), options.dtype().label, threads, threads == 1 ? "" : "s", options.promptText(), options.imageTokens(), options.decode(),
        options.runs()));
    text.append(line("%-14s %11s %8s %8s %7s %9s %9s %8s %10s %10s %8s %12s %12s", "method", "prefill ms", "cpu ms", "speedup", "theory", "achieved", "TFLOP", "prune ms", "of prefill",
        "decode ms", "cpu ms", "KV MiB full", "KV MiB held"));
    for (Row row : rows) {
      text.append(line("%-14s %11.1f %8.1f %8.3f %7.3f %9.3f %9.3f %8.2f %9.2f%% %10.2f %8.2f %12.2f %12.2f", row.method(), row.prefill(), row.prefillCpu(), row.speedup(), row.flops().speedup(),
          row.achieved(), row.flops().pruned() / 1e12, row.pruning(), 100 * row.pruningShare(), row.decode(), row.decodeCpu(), row.fullBytes() / MIB, row.heldBytes() / MIB));
    }
    return text.substring(0, text.length() - 1);
  }

  private static String line(String format, Object... values) { return String.format(Locale.ROOT, format, values).stripTrailing() + "\n"; }

  /** One JSON object on one line; what has no meaning is null. */
  public String json() {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", "winnow.bench/1").put("shape", options.shape().label()).put("layers", options.layers()).put("dtype", options.dtype().label);
    root.put("device", "cpu").put("threads", threads).put("prompt_text", options.promptText()).put("image_tokens", options.imageTokens());
    root.put("decode_tokens", options.decode()).put("runs", options.runs());
    ArrayNode list = root.putArray("results");
    for (Row row : rows) list.add(tree(row));
    try {
      return JSON.writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new WinnowException("cannot write the result: " + e.getMessage(), e);
    }
  }

  private static ObjectNode tree(Row row) {
    ObjectNode node = JSON.createObjectNode();
    node.put("method", row.method());
    ObjectNode parameters = node.putObject("params");
    row.parameters().forEach(parameters::put);
    number(node, "prefill_ms", row.prefill());
    number(node, "prefill_cpu_ms", row.prefillCpu());
    number(node, "pruning_ms", row.pruning());
    number(node, "pruning_share", row.pruningShare());
    number(node, "decode_ms_per_token", row.decode());
    number(node, "decode_cpu_ms_per_token", row.decodeCpu());
    number(node, "speedup", row.speedup());
    number(node, "theoretical_speedup", row.flops().speedup());
    number(node, "achieved", row.achieved());
    number(node, "flops_full", row.flops().full());
    number(node, "flops", row.flops().pruned());
    node.put("kv_bytes_full", row.fullBytes()).put("kv_bytes_held", row.heldBytes());
    ArrayNode lengths = node.putArray("kv_lengths_after_prefill");
    for (int length : row.rows()) lengths.add(length);
    ArrayNode samples = node.putArray("prefill_ms_samples");
    row.samples().forEach(samples::add);
    return node;
  }

  private static void number(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) node.put(name, value);
    else node.putNull(name);
  }
}
