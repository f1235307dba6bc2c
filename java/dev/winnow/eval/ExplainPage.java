package dev.winnow.eval;

import dev.winnow.engine.Answer;
import dev.winnow.engine.Report;
import dev.winnow.prune.CutRecord;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Locale;

/** Builds one HTML page that needs no other file, and writes its pictures beside it as PNG too. */
final class ExplainPage {
  private static final String STYLE = """
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
      h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem } figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top }
      img { max-width: 100%; image-rendering: pixelated; border: 1px solid #ddd } figcaption { font-size: 14px; color: #555; max-width: 340px }
      table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top }
      .answer { font-size: 18px; padding: .5rem .8rem; background: #f3f5f7; border-left: 4px solid #0072b2; white-space: pre-wrap }
      .changed { border-left-color: #d55e00 }
      """;

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
    body.append(escaped(answer.text())).append("</p>\n<p>").append(same ? "The same answer as without pruning." : "Another answer than without pruning.").append("</p>\n");
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
    row("bytes of KV cache held", number("%.0f", report.kv().bytesHeld()) + " of " + number("%.0f", report.kv().bytesFull()));
    row("theoretical speed-up of the prompt", number("%.2f", report.flops().speedup()));
    row("pruning", number("%.2f ms", report.timing().pruning()) + " of " + number("%.1f ms", report.timing().firstToken()) + " to the first token");
    report.plan().parameters().forEach((name, value) -> row(name, value));
    body.append("</table>\n");
  }

  private void cut(CutPictures.Drawn drawn, Variant variant, int number) {
    CutRecord cut = drawn.cut();
    String name = String.format(Locale.ROOT, "%d-%s-cut-%d-%s-image-%d", variants, variant.method(), number, cut.site().toString().replace(':', '-'), cut.image());
    String margin = Float.isFinite(cut.margin()) ? ", margin " + number("%.3g", cut.margin()) : "";
    body.append("<h3>").append(escaped(cut.site().toString())).append(", image ").append(cut.image()).append(": ").append(cut.before()).append(" to ")
        .append(cut.after()).append(" tokens</h3>\n");
    figure(name + "-kept", drawn.kept(), "Kept patches; those that were dropped here or before are faded" + margin + ".");
    if (drawn.heat() != null) figure(name + "-scores", drawn.heat(), "Scores of the tokens that were there, low dark to high yellow (99th percentile); grey: gone before.");
    if (drawn.merges() != null) figure(name + "-merges", drawn.merges(), "Lines lead from merged patches to the ones that they went into.");
    body.append('\n');
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
    Texts.write(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>winnow explain</title>\n<style>\n" + STYLE
        + "</style>\n</head>\n<body>\n" + body + "</body>\n</html>\n");
    return page;
  }

  private static String number(String format, double value) { return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : "-"; }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
  }
}
