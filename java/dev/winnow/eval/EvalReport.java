package dev.winnow.eval;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Writes a table as CSV, JSON, Markdown and plots. The same bytes in every locale. */
public final class EvalReport {
  private final EvalTable table;

  public EvalReport(EvalTable table) { this.table = table; }

  /** Writes {@code table.csv}, {@code table.json}, {@code table.md}, {@code accuracy-budget.png} and {@code accuracy-time.png}. */
  public void write(Path folder) {
    Texts.write(folder.resolve("table.csv"), csv());
    Texts.write(folder.resolve("table.json"), json());
    Texts.write(folder.resolve("table.md"), markdown());
    plot("Accuracy by tokens held", "image tokens, average over the decoder's layers", row -> row.averages().average())
        .write(folder.resolve("accuracy-budget.png"));
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
      if (out.length() == 0) {
        out.append("method,budget,answered,refused,").append(String.join(",", quoted(numbers.keySet()))).append(",reason\n");
      }
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

  public String markdown() { return new EvalMarkdown(table).text(); }

  private LinePlot plot(String title, String xLabel, ToDoubleFunction<EvalTable.Row> x) {
    LinePlot plot = new LinePlot(title, xLabel, "accuracy, per cent");
    Map<String, List<double[]>> lines = new LinkedHashMap<>();
    for (EvalTable.Row row : table.rows()) {
      if (row.answered() == 0) continue;
      lines.computeIfAbsent(row.variant(), key -> new ArrayList<>()).add(new double[] {x.applyAsDouble(row), 100 * row.accuracy()});
    }
    List<double[]> plain = lines.remove(Variant.NONE.label());
    // a level to compare with, as wide as the others and no wider: the unpruned model holds and takes far more
    double widest = lines.values().stream().flatMap(List::stream).mapToDouble(p -> p[0]).filter(Double::isFinite).max().orElse(1);
    if (plain != null) plot.reference("none", List.of(new double[] {0, plain.get(0)[1]}, new double[] {widest, plain.get(0)[1]}));
    lines.forEach(plot::line);
    return plot;
  }
}
