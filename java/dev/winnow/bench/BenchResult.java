package dev.winnow.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.WinnowException;
import dev.winnow.engine.Flops;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.ToDoubleFunction;

/** What {@link BenchPrefill} measured, as a table or as JSON. */
public record BenchResult(BenchModelOptions options, int threads, List<Row> rows) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final double MIB = 1 << 20;

  /**
   * Medians in milliseconds.
   *
   * @param vision tower, projector and what the plan does there; NaN without a tower
   * @param prefill of the decoder: all of the prompt but {@code vision}
   * @param both of the two together
   * @param prefillCpu processor time of all threads of the process meanwhile; well below {@code prefill} times threads where others use the
   *     machine
   * @param pruning part of {@code prefill}: scoring, selecting, moving rows, and what the cut makes the layer compute again
   * @param decode of one generated token; NaN where none was; {@code decodeCpu} likewise in processor time
   */
  public record Times(double vision, double prefill, double both, double prefillCpu, double pruning, double decode, double decodeCpu) {}

  /**
   * One plan.
   *
   * @param label what tables call it: the method, with the parameters of a variant
   * @param speedup prefill of the plan that removes nothing, over this one
   * @param speedupWithVision the same of vision and prefill together
   * @param flops of the prompt in the decoder
   * @param entering rows of the picture that entered the decoder
   * @param average rows of the picture that a decoder layer computed, on average over the layers
   * @param fullBytes what the pool would hold for the cache at the end had nothing been removed; {@code heldBytes} what it held
   * @param rows cached per layer when the prompt was done
   * @param visionSamples every measured {@code vision}, in order
   * @param samples every measured prefill, in order
   */
  public record Row(String label, String method, Map<String, String> parameters, Times times, double speedup, double speedupWithVision,
      Flops flops, int entering, double average, long fullBytes, long heldBytes, int[] rows, List<Double> visionSamples,
      List<Double> samples) {
    /** Measured speed-up of the decoder as a share of the one that its operations promise. */
    public double achieved() { return speedup / flops.speedup(); }

    public double pruningShare() { return times.pruning() / times.prefill(); }
  }

  /** @param decimals places; {@code unit} follows the number */
  private record Column(String name, int width, int decimals, String unit, ToDoubleFunction<Row> value) {
    String head() { return " %" + (width + unit.length()) + "s"; }

    String body() { return " %" + width + "." + decimals + "f" + unit.replace("%", "%%"); }
  }

  private static final List<Column> VISION = List.of(
      new Column("vision ms", 9, 1, "", row -> row.times().vision()),
      new Column("together", 8, 3, "", Row::speedupWithVision),
      new Column("entering", 8, 0, "", Row::entering));

  private static final List<Column> DECODER = List.of(
      new Column("per layer", 9, 1, "", Row::average),
      new Column("prefill ms", 11, 1, "", row -> row.times().prefill()),
      new Column("cpu ms", 8, 1, "", row -> row.times().prefillCpu()),
      new Column("speedup", 7, 3, "", Row::speedup),
      new Column("theory", 7, 3, "", row -> row.flops().speedup()),
      new Column("achieved", 8, 3, "", Row::achieved),
      new Column("TFLOP", 8, 3, "", row -> row.flops().pruned() / 1e12),
      new Column("prune ms", 8, 2, "", row -> row.times().pruning()),
      new Column("of prefill", 9, 2, "%", row -> 100 * row.pruningShare()),
      new Column("decode ms", 10, 2, "", row -> row.times().decode()),
      new Column("cpu ms", 8, 2, "", row -> row.times().decodeCpu()),
      new Column("KV MiB full", 11, 2, "", row -> row.fullBytes() / MIB),
      new Column("KV MiB held", 11, 2, "", row -> row.heldBytes() / MIB));

  /** Lines of a table, without a line break at the end. */
  public String table() {
    List<Column> columns = new ArrayList<>(options.tower() ? VISION : List.of());
    columns.addAll(DECODER);
    OptionalInt budget = options.pruning().budget();
    String first = "%-" + rows.stream().mapToInt(row -> row.label().length()).max().orElse(0) + "s";
    StringBuilder text = new StringBuilder();
    text.append(formatted("%s, %d of %d layers%s, %s, cpu, %d thread%s; %d text + %d image rows%s, then %d tokens; medians of %d"
            + " interleaved runs\n", options.shape().label(), options.layers(), options.shape().layers(),
        options.tower() ? " and the tower" : "", options.dtype().label, threads, threads == 1 ? "" : "s", options.promptText(),
        options.imageTokens(), budget.isPresent() ? ", budget " + budget.getAsInt() : target(), options.decode(), options.runs()));
    text.append(formatted(first, "method"));
    for (Column column : columns) text.append(formatted(column.head(), column.name()));
    for (Row row : rows) {
      text.append('\n').append(formatted(first, row.label()));
      for (Column column : columns) text.append(formatted(column.body(), column.value().applyAsDouble(row)));
    }
    text.append("\nper layer: image rows that a decoder layer computes, on average");
    if (options.tower()) {
      text.append("; entering: image rows that enter the decoder; together: speedup of vision and prefill\n")
          .append("speedup, theory, achieved and prune ms are of the decoder; what a method does before it is in vision ms");
    }
    return text.toString();
  }

  private String target() {
    double bytes = options.pruning().kvBytes();
    return Double.isInfinite(bytes) ? "" : formatted(", at most %.2f MiB of KV cache behind the prompt", bytes / MIB);
  }

  private static String formatted(String format, Object... values) { return String.format(Locale.ROOT, format, values); }

  /** One JSON object on one line; what has no meaning is null, and what only a tower has is left out without one. */
  public String json() {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", "winnow.bench/1").put("shape", options.shape().label()).put("layers", options.layers());
    root.put("dtype", options.dtype().label).put("device", "cpu").put("threads", threads);
    root.put("prompt_text", options.promptText()).put("image_tokens", options.imageTokens());
    root.put("decode_tokens", options.decode()).put("runs", options.runs()).put("tower", options.tower());
    OptionalInt budget = options.pruning().budget();
    if (budget.isPresent()) root.put("budget", budget.getAsInt());
    else root.putNull("budget");
    number(root, "target_kv_bytes", options.pruning().kvBytes());
    ArrayNode list = root.putArray("results");
    for (Row row : rows) list.add(tree(row));
    try {
      return JSON.writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new WinnowException("cannot write the result: " + e.getMessage(), e);
    }
  }

  private ObjectNode tree(Row row) {
    ObjectNode node = JSON.createObjectNode();
    node.put("label", row.label()).put("method", row.method());
    ObjectNode parameters = node.putObject("params");
    row.parameters().forEach(parameters::put);
    if (options.tower()) {
      number(node, "vision_ms", row.times().vision());
      number(node, "vision_and_prefill_ms", row.times().both());
      number(node, "speedup_with_vision", row.speedupWithVision());
      numbers(node, "vision_ms_samples", row.visionSamples());
    }
    number(node, "prefill_ms", row.times().prefill());
    number(node, "prefill_cpu_ms", row.times().prefillCpu());
    number(node, "pruning_ms", row.times().pruning());
    number(node, "pruning_share", row.pruningShare());
    number(node, "decode_ms_per_token", row.times().decode());
    number(node, "decode_cpu_ms_per_token", row.times().decodeCpu());
    number(node, "speedup", row.speedup());
    number(node, "theoretical_speedup", row.flops().speedup());
    number(node, "achieved", row.achieved());
    number(node, "flops_full", row.flops().full());
    number(node, "flops", row.flops().pruned());
    node.put("image_rows_entering", row.entering());
    number(node, "image_rows_per_layer", row.average());
    node.put("kv_bytes_full", row.fullBytes()).put("kv_bytes_held", row.heldBytes());
    ArrayNode lengths = node.putArray("kv_lengths_after_prefill");
    for (int length : row.rows()) lengths.add(length);
    numbers(node, "prefill_ms_samples", row.samples());
    return node;
  }

  private static void numbers(ObjectNode node, String name, List<Double> values) {
    ArrayNode array = node.putArray(name);
    values.forEach(array::add);
  }

  private static void number(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) node.put(name, value);
    else node.putNull(name);
  }
}
