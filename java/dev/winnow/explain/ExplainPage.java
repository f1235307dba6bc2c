package dev.winnow.explain;

import dev.winnow.engine.Answer;
import dev.winnow.engine.Report;
import dev.winnow.eval.Png;
import dev.winnow.eval.Texts;
import dev.winnow.eval.Variant;
import dev.winnow.eval.VisualTokens;
import dev.winnow.prune.CutRecord;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Builds one HTML page that needs no other file, and writes its pictures beside it as PNG too. */
final class ExplainPage {
  private static final String STYLE = """
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
      h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem }
      figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top }
      img { max-width: 100%; image-rendering: pixelated; border: 1px solid #ddd }
      figcaption { font-size: 14px; color: #555; max-width: 340px }
      table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top }
      .answer { font-size: 18px; padding: .5rem .8rem; background: #f3f5f7; border-left: 4px solid #0072b2; white-space: pre-wrap }
      .changed { border-left-color: #d55e00 }
      """;

  private static final String SCORES =
      "Scores of the tokens that were there, low dark to high yellow (99th percentile); grey: gone before.";
  private static final String MERGES = "Lines lead from merged patches to the ones that they went into.";
  private static final double MIB = 1 << 20;

  private final Path folder;
  private final int layers;
  private final Answer plain;
  private final StringBuilder body = new StringBuilder();
  private int variants;

  ExplainPage(Path folder, String prompt, Answer plain, int layers) {
    this.folder = folder;
    this.layers = layers;
    this.plain = plain;
    body.append("<h1>").append(escaped(prompt)).append("</h1>\n");
    body.append("<p>Without pruning:</p>\n<p class=\"answer\">").append(escaped(plain.text())).append("</p>\n");
  }

  /** Adds a picture as the tower sees it. */
  void image(int number, String name, BufferedImage picture) {
    figure("image-" + number, picture, name + ", as the vision tower sees it");
    body.append('\n');
  }

  void variant(Variant variant, Answer answer, Iterable<CutPictures.Drawn> cuts) {
    variants++;
    boolean same = answer.text().equals(plain.text());
    body.append("<h2>").append(escaped(variant.label())).append("</h2>\n<p class=\"answer").append(same ? "" : " changed").append("\">");
    body.append(escaped(answer.text())).append("</p>\n<p>");
    body.append(same ? "The same answer as without pruning." : "Another answer than without pruning.").append("</p>\n");
    numbers(answer);
    int number = 0;
    for (CutPictures.Drawn drawn : cuts) cut(drawn, variant, ++number);
    if (number == 0) body.append("<p>Nothing was removed.</p>\n");
  }

  private void numbers(Answer answer) {
    Report report = answer.report();
    VisualTokens tokens = VisualTokens.of(report, layers);
    body.append("<table>\n");
    row("image tokens entering the LLM", number("%.0f", tokens.entering()));
    row("image tokens, average over layers", number("%.1f", tokens.average()));
    row("KV cache held", number("%.2f", report.kv().bytesHeld() / MIB) + " of " + number("%.2f MiB", report.kv().bytesFull() / MIB));
    row("theoretical speed-up of the prompt", number("%.2f", report.flops().speedup()));
    Report.Timing timing = report.timing();
    row("pruning", number("%.2f ms", timing.pruning()) + " of " + number("%.1f ms", timing.firstToken()) + " to the first token");
    report.plan().parameters().forEach((name, value) -> row(name, value.isEmpty() ? "not set" : value));
    body.append("</table>\n");
  }

  private void cut(CutPictures.Drawn drawn, Variant variant, int number) {
    CutRecord cut = drawn.cuts().get(0);
    String site = cut.site().toString();
    String name = variants + "-" + variant.method() + "-cut-" + number + "-" + site.replace(':', '-') + "-image-" + cut.image();
    String margin = Float.isFinite(cut.margin()) ? ", margin " + number("%.3g", cut.margin()) : "";
    body.append("<h3>").append(escaped(site)).append(", image ").append(cut.image()).append(": ");
    body.append(drawn.cuts().stream().map(ExplainPage::counts).collect(Collectors.joining(", "))).append("</h3>\n");
    figure(name + "-kept", drawn.kept(), "Kept patches; those that were dropped here or before are faded" + margin + ".");
    if (drawn.heat() != null) figure(name + "-scores", drawn.heat(), SCORES);
    if (drawn.merges() != null) figure(name + "-merges", drawn.merges(), MERGES);
    body.append('\n');
  }

  private static String counts(CutRecord cut) {
    String tokens = cut.before() + " to " + cut.after() + " tokens";
    return cut.layers() == null ? tokens : tokens + " in " + layers(cut.layers());
  }

  /** Ascending numbers in words, such as layers 2 and 4 to 6. */
  static String layers(int[] layers) {
    List<String> runs = new ArrayList<>();
    for (int i = 0, first = 0; i < layers.length; i++) {
      if (i + 1 < layers.length && layers[i + 1] == layers[i] + 1) continue;
      runs.add(i == first ? String.valueOf(layers[i]) : layers[first] + " to " + layers[i]);
      first = i + 1;
    }
    return (layers.length == 1 ? "layer " : "layers ") + String.join(" and ", runs);
  }

  private void figure(String name, BufferedImage picture, String caption) {
    Png.write(picture, folder.resolve(name + ".png"));
    body.append("<figure><img alt=\"\" src=\"data:image/png;base64,").append(Base64.getEncoder().encodeToString(Png.bytes(picture)))
        .append("\"><figcaption>").append(escaped(caption)).append("</figcaption></figure>");
  }

  private void row(String name, String value) {
    body.append("<tr><th>").append(escaped(name)).append("</th><td>").append(escaped(value)).append("</td></tr>\n");
  }

  Path write() {
    Path page = folder.resolve("index.html");
    String head = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>winnow explain</title>\n";
    Texts.write(page, head + "<style>\n" + STYLE + "</style>\n</head>\n<body>\n" + body + "</body>\n</html>\n");
    return page;
  }

  private static String number(String format, double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : "-";
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
  }
}
