package dev.winnow.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** A table as Markdown: accuracy, costs, precision and recall where questions are answered by yes or no, and what was not answered. */
final class EvalMarkdown {
  private record Column(String head, Function<EvalTable.Row, String> cell) {}

  private static final double MIB = 1 << 20;
  private static final String LEGEND = """
      Per cent; mean score over all questions and by family. "Over random": percentage points above `random` at the same budget, \
      with the standard error of the difference. Loyalty: answers equal to those of the unpruned model.
      """;
  private static final List<Column> NAMES = List.of(
      new Column("method", EvalTable.Row::variant),
      new Column("budget", EvalMarkdown::budget));
  private static final List<Column> COSTS = List.of(
      new Column("tokens entering the LLM", row -> text("%.0f", row.averages().entering())),
      new Column("tokens averaged over layers", row -> text("%.1f", row.averages().average())),
      new Column("KV held / full", row ->
          text("%.2f", row.averages().kvHeld() / MIB) + " / " + text("%.2f MiB", row.averages().kvFull() / MIB)),
      new Column("vision ms", row -> text("%.2f", row.averages().vision())),
      new Column("prefill ms", row -> text("%.2f", row.averages().prefill())),
      new Column("of it pruning ms", row -> text("%.2f", row.averages().pruning())),
      new Column("decode ms per token", row -> text("%.2f", row.averages().decode())),
      new Column("speed-up by FLOPs", row -> text("%.2f", row.averages().theoretical())),
      new Column("speed-up of prefill", row -> text("%.2f", row.prefillSpeedup())),
      new Column("speed-up of vision and prefill", row -> text("%.2f", row.firstTokenSpeedup())));

  private final EvalTable table;
  private final StringBuilder out = new StringBuilder();

  EvalMarkdown(EvalTable table) { this.table = table; }

  String text() {
    List<EvalTable.Row> answered = table.rows().stream().filter(row -> row.answered() > 0).toList();
    rows(answered, accuracy());
    out.append('\n').append(LEGEND).append('\n');
    rows(answered, COSTS);
    for (String family : table.families()) yesNo(family);
    refusals();
    return out.toString();
  }

  private List<Column> accuracy() {
    List<Column> columns = new ArrayList<>();
    columns.add(new Column("accuracy", row -> percent(row.accuracy())));
    columns.add(new Column("over random", EvalMarkdown::over));
    columns.add(new Column("loyalty", row -> percent(row.loyalty())));
    for (String family : table.families()) {
      columns.add(new Column(family, row -> percent(row.byFamily().getOrDefault(family, Double.NaN))));
    }
    return columns;
  }

  private void yesNo(String family) {
    List<EvalTable.Row> asked = table.rows().stream().filter(row -> row.yesNo().containsKey(family)).toList();
    if (asked.isEmpty()) return;
    out.append("\nYes or no, family ").append(family).append(":\n\n");
    rows(asked, List.of(
        new Column("precision", row -> percent(row.yesNo().get(family).precision())),
        new Column("recall", row -> percent(row.yesNo().get(family).recall())),
        new Column("F1", row -> percent(row.yesNo().get(family).f1())),
        new Column("says yes", row -> percent(row.yesNo().get(family).yesShare()))));
  }

  private void refusals() {
    List<EvalTable.Row> refused = table.rows().stream().filter(row -> row.refused() > 0).toList();
    if (refused.isEmpty()) return;
    out.append("\nNot answered:\n\n");
    for (EvalTable.Row row : refused) {
      String budget = row.budget() == EvalRecord.OWN_SETTINGS ? "" : " at " + row.budget();
      int questions = row.refused() + row.answered();
      out.append("- ").append(row.variant()).append(budget).append(", ").append(row.refused()).append(" of ").append(questions);
      out.append(" questions: ").append(row.reason()).append('\n');
    }
  }

  /** A table with the names of variant and budget before the columns. */
  private void rows(List<EvalTable.Row> rows, List<Column> columns) {
    List<Column> all = new ArrayList<>(NAMES);
    all.addAll(columns);
    line(all.stream().map(Column::head).toList());
    out.append('|').append(" --- |".repeat(all.size())).append('\n');
    for (EvalTable.Row row : rows) line(all.stream().map(column -> column.cell().apply(row)).toList());
  }

  private void line(List<String> cells) {
    out.append("| ").append(String.join(" | ", cells.stream().map(cell -> cell.replace("|", "\\|")).toList())).append(" |\n");
  }

  private static String budget(EvalTable.Row row) {
    if (row.budget() != EvalRecord.OWN_SETTINGS) return String.valueOf(row.budget());
    return row.variant().equals(Variant.NONE.label()) ? "all" : "own settings";
  }

  private static String over(EvalTable.Row row) {
    double mean = row.overRandom().mean();
    if (!Double.isFinite(mean) || row.variant().startsWith("random")) return "";
    String error = Double.isFinite(row.overRandom().error()) ? text(" ± %.1f", 100 * row.overRandom().error()) : "";
    return text("%+.1f", 100 * mean) + error;
  }

  private static String percent(double share) { return text("%.1f", 100 * share); }

  private static String text(String format, double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : "";
  }
}
