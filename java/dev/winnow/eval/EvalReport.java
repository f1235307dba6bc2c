package dev.winnow.eval;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Writes a table as CSV, JSON, Markdown and plots. The same bytes in every locale. */
public final class EvalReport {
  private static final String OWN = "own settings";

  private final EvalTable table;

  public EvalReport(EvalTable table) { this.table = table; }

  /** Writes {@code table.csv}, {@code table.json}, {@code table.md}, {@code accuracy-budget.png} and {@code accuracy-time.png}. */
  public void write(Path folder) {
    Texts.write(folder.resolve("table.csv"), csv());
    Texts.write(folder.resolve("table.json"), json());
    Texts.write(folder.resolve("table.md"), markdown());
    plot("Accuracy by tokens held", "image tokens, average over the decoder's layers", row -> row.averages().average()).write(folder.resolve("accuracy-budget.png"));
    plot("Accuracy by time to the first token", "vision and prefill, median milliseconds", row -> row.averages().firstToken())
        .write(folder.resolve("accuracy-time.png"));
  }

  /** Column names and values of a row; NaN is a value that is missing. */
  private Map<String, Double> numbers(EvalTable.Row row) {
    Map<String, Double> cells = new LinkedHashMap<>();
    cells.put("accuracy", row.accuracy());
    for (String family : table.families()) cells.put("accuracy_" + family, row.byFamily().getOrDefault(family, Double.NaN));
    for (String family : table.families()) {
      if (table.rows().stream().noneMatch(any -> any.yesNo().containsKey(family))) continue;
      EvalTable.YesNo yesNo = row.yesNo().getOrDefault(family, new EvalTable.YesNo(Double.NaN, Double.NaN, Double.NaN, Double.NaN));
      cells.put("precision_" + family, yesNo.precision());
      cells.put("recall_" + family, yesNo.recall());
      cells.put("f1_" + family, yesNo.f1());
      cells.put("yes_share_" + family, yesNo.yesShare());
    }
    cells.put("over_random", row.overRandom().mean());
    cells.put("over_random_standard_error", row.overRandom().error());
    cells.put("loyalty", row.loyalty());
    EvalTable.Averages averages = row.averages();
    cells.put("tokens_entering_llm", averages.entering());
    cells.put("tokens_average_over_layers", averages.average());
    cells.put("kv_bytes_full", averages.kvFull());
    cells.put("kv_bytes_held", averages.kvHeld());
    cells.put("vision_ms", averages.vision());
    cells.put("prefill_ms", averages.prefill());
    cells.put("pruning_ms", averages.pruning());
    cells.put("first_token_ms", averages.firstToken());
    cells.put("decode_ms_per_token", averages.decode());
    cells.put("theoretical_speedup", averages.theoretical());
    cells.put("prefill_speedup", row.prefillSpeedup());
    cells.put("first_token_speedup", row.firstTokenSpeedup());
    return cells;
  }

  String csv() {
    StringBuilder out = new StringBuilder();
    for (EvalTable.Row row : table.rows()) {
      Map<String, Double> numbers = numbers(row);
      if (out.length() == 0) out.append("method,budget,answered,refused,").append(String.join(",", quoted(numbers.keySet()))).append(",reason\n");
      out.append(quoted(row.variant())).append(',').append(row.budget() == EvalRecord.OWN_SETTINGS ? "" : String.valueOf(row.budget()));
      out.append(',').append(row.answered()).append(',').append(row.refused());
      for (double value : numbers.values()) out.append(',').append(Texts.cell(value, 6));
      out.append(',').append(row.reason() == null ? "" : quoted(row.reason())).append('\n');
    }
    return out.toString();
  }

  private static List<String> quoted(Iterable<String> texts) {
    List<String> quoted = new ArrayList<>();
    texts.forEach(text -> quoted.add(quoted(text)));
    return quoted;
  }

  private static String quoted(String text) { return text.matches("[^,\"\r\n]*") ? text : '"' + text.replace("\"", "\"\"") + '"'; }

  /** The table as one JSON object; what was not measured is null. */
  public String json() {
    ObjectNode root = Texts.object().put("format", "winnow.eval.table/1");
    ArrayNode rows = root.putArray("rows");
    for (EvalTable.Row row : table.rows()) {
      ObjectNode node = rows.addObject().put("method", row.variant());
      if (row.budget() == EvalRecord.OWN_SETTINGS) node.putNull("budget");
      else node.put("budget", row.budget());
      node.put("answered", row.answered()).put("refused", row.refused()).put("reason", row.reason());
      numbers(row).forEach((name, value) -> Texts.number(node, name, value));
    }
    return Texts.pretty(root);
  }

  /** Three tables: accuracy, costs, and precision and recall where questions are answered by yes or no. */
  public String markdown() {
    StringBuilder out = new StringBuilder();
    List<String> head = new ArrayList<>(List.of("method", "budget", "accuracy", "over random", "loyalty"));
    head.addAll(table.families());
    line(out, head, true);
    for (EvalTable.Row row : table.rows()) {
      if (row.answered() == 0) continue;
      List<String> cells = new ArrayList<>(List.of(row.variant(), budget(row), percent(row.accuracy()), over(row), percent(row.loyalty())));
      for (String family : table.families()) cells.add(percent(row.byFamily().getOrDefault(family, Double.NaN)));
      line(out, cells, false);
    }
    out.append("\nPer cent; mean score over all questions and by family. \"Over random\": percentage points above `random` at the same budget, with the"
        + " standard error of the difference. Loyalty: answers equal to those of the unpruned model.\n\n");
    line(out, List.of("method", "budget", "tokens entering the LLM", "tokens averaged over layers", "KV held / full", "vision ms", "prefill ms", "of it pruning ms",
        "decode ms per token", "speed-up by FLOPs", "speed-up of prefill", "speed-up of vision and prefill"), true);
    for (EvalTable.Row row : table.rows()) {
      if (row.answered() == 0) continue;
      EvalTable.Averages t = row.averages();
      line(out, List.of(row.variant(), budget(row), text("%.0f", t.entering()), text("%.1f", t.average()),
          text("%.2f", t.kvHeld() / 1048576) + " / " + text("%.2f MiB", t.kvFull() / 1048576), text("%.2f", t.vision()), text("%.2f", t.prefill()),
          text("%.2f", t.pruning()), text("%.2f", t.decode()), text("%.2f", t.theoretical()), text("%.2f", row.prefillSpeedup()),
          text("%.2f", row.firstTokenSpeedup())), false);
    }
    yesNo(out);
    refusals(out);
    return out.toString();
  }

  private void yesNo(StringBuilder out) {
    for (String family : table.families()) {
      if (table.rows().stream().noneMatch(row -> row.yesNo().containsKey(family))) continue;
      out.append("\nYes or no, family ").append(family).append(":\n\n");
      line(out, List.of("method", "budget", "precision", "recall", "F1", "says yes"), true);
      for (EvalTable.Row row : table.rows()) {
        EvalTable.YesNo y = row.yesNo().get(family);
        if (y != null) line(out, List.of(row.variant(), budget(row), percent(y.precision()), percent(y.recall()), percent(y.f1()), percent(y.yesShare())), false);
      }
    }
  }

  private void refusals(StringBuilder out) {
    List<EvalTable.Row> refused = table.rows().stream().filter(row -> row.refused() > 0).toList();
    if (refused.isEmpty()) return;
    out.append("\nNot answered:\n\n");
    for (EvalTable.Row row : refused) {
      out.append("- ").append(row.variant()).append(row.budget() == EvalRecord.OWN_SETTINGS ? "" : " at " + row.budget()).append(", ")
          .append(row.refused()).append(" of ").append(row.refused() + row.answered()).append(" questions: ").append(row.reason()).append('\n');
    }
  }

  private static void line(StringBuilder out, List<String> cells, boolean head) {
    out.append("| ");
    out.append(String.join(" | ", cells.stream().map(cell -> cell.replace("|", "\\|")).toList())).append(" |\n");
    if (head) out.append("|").append(" --- |".repeat(cells.size())).append('\n');
  }

  private static String budget(EvalTable.Row row) {
    return row.budget() == EvalRecord.OWN_SETTINGS ? (row.variant().equals(Variant.NONE.label()) ? "all" : OWN) : String.valueOf(row.budget());
  }

  private static String over(EvalTable.Row row) {
    double mean = row.overRandom().mean();
    if (!Double.isFinite(mean) || row.variant().startsWith("random")) return "";
    String error = Double.isFinite(row.overRandom().error()) ? text(" ± %.1f", 100 * row.overRandom().error()) : "";
    return text("%+.1f", 100 * mean) + error;
  }

  private static String percent(double share) { return text("%.1f", 100 * share); }

  private static String text(String format, double value) { return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : ""; }

  private LinePlot plot(String title, String xLabel, ToDoubleFunction<EvalTable.Row> x) {
    LinePlot plot = new LinePlot(title, xLabel, "accuracy, per cent");
    Map<String, List<double[]>> lines = new LinkedHashMap<>();
    double widest = table.rows().stream().mapToDouble(x).filter(Double::isFinite).max().orElse(1);
    for (EvalTable.Row row : table.rows()) {
      if (row.answered() > 0) lines.computeIfAbsent(row.variant(), key -> new ArrayList<>()).add(new double[] {x.applyAsDouble(row), 100 * row.accuracy()});
    }
    List<double[]> plain = lines.remove(Variant.NONE.label());
    if (plain != null) plot.reference("none", List.of(new double[] {0, plain.get(0)[1]}, new double[] {widest, plain.get(0)[1]}));
    lines.forEach(plot::line);
    return plot;
  }
}
