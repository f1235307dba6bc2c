package dev.winnow.cli;

import java.util.List;
import java.util.Locale;

/** Numbers for people, the same in every locale. */
final class Format {
  private Format() {}

  static String of(String format, Object... values) { return String.format(Locale.ROOT, format, values); }

  /** "812 B", "3.4 KiB", "1.2 GiB". */
  static String bytes(long bytes) {
    if (bytes < 1024) return bytes + " B";
    double value = bytes;
    int unit = -1;
    while (value >= 1024 && unit < 3) {
      value /= 1024;
      unit++;
    }
    return of("%.1f %siB", value, "KMGT".charAt(unit));
  }

  /** "0.42 ms", "12.3 ms", "1234 ms". */
  static String millis(double millis) { return of(millis < 10 ? "%.2f ms" : millis < 100 ? "%.1f ms" : "%.0f ms", millis); }

  /** Rows in columns, padded on the right, two spaces apart. */
  static String table(List<List<String>> rows) {
    int columns = rows.stream().mapToInt(List::size).max().orElse(0);
    StringBuilder out = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < row.size(); c++) {
        int column = c;
        int widest = rows.stream().filter(r -> r.size() > column).mapToInt(r -> r.get(column).length()).max().orElse(0);
        int width = c == columns - 1 ? 0 : widest;
        line.append(row.get(c)).append(" ".repeat(Math.max(0, width - row.get(c).length()))).append("  ");
      }
      out.append(line.toString().stripTrailing()).append('\n');
    }
    return out.toString();
  }

  /** Breaks text between words so that lines are at most this long where words allow, each begun with the indent. */
  static String wrapped(String text, int width, String indent) {
    StringBuilder out = new StringBuilder();
    StringBuilder line = new StringBuilder(indent);
    for (String word : text.split(" ")) {
      if (line.length() > indent.length() && line.length() + 1 + word.length() > width) {
        out.append(line).append('\n');
        line.setLength(indent.length());
      }
      if (line.length() > indent.length()) line.append(' ');
      line.append(word);
    }
    return out.append(line).append('\n').toString();
  }
}
