package dev.winnow.eval;

import dev.winnow.WinnowException;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A plot of lines with marked points, drawn without a display. */
public final class LinePlot {
  /** One line; points are {x, y}. */
  private record Series(String name, List<double[]> points, boolean dashed) {}

  private static final int LOWEST = 560;
  private static final int LEGEND_ROW = 20;
  private static final int LEFT = 78;
  private static final int RIGHT = 710;
  /** From the frame to the names in the legend. */
  private static final int LEGEND_TEXT = 48;
  private static final int TOP = 46;
  private static final int BOTTOM = 62;
  /** Told apart by people who see colours differently too (Okabe and Ito, 2008), then darker shades. */
  private static final int[] COLOURS = {
      0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x6A3D9A, 0x8C510A, 0x4D4D4D, 0x1B7837, 0xB2182B, 0x35978F};
  /** Corners of the marks, from -1 to 1. Lines that share a colour have other marks; no corners: a circle. */
  private static final double[][][] MARKS = {
      {},
      {{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}},
      {{0, -1.2}, {1.1, 0.8}, {-1.1, 0.8}},
      {{0, -1.3}, {1.3, 0}, {0, 1.3}, {-1.3, 0}}};
  private static final double MARK_RADIUS = 4;

  private final String title;
  private final String xLabel;
  private final String yLabel;
  private final List<Series> series = new ArrayList<>();

  public LinePlot(String title, String xLabel, String yLabel) {
    this.title = title;
    this.xLabel = xLabel;
    this.yLabel = yLabel;
  }

  /** Adds a line; points that are not finite are left out. */
  public LinePlot line(String name, List<double[]> points) { return add(name, points, false); }

  /** Adds a dashed line: something to compare with. */
  public LinePlot reference(String name, List<double[]> points) { return add(name, points, true); }

  private LinePlot add(String name, List<double[]> points, boolean dashed) {
    List<double[]> finite = points.stream()
        .filter(p -> Double.isFinite(p[0]) && Double.isFinite(p[1]))
        .sorted(Comparator.comparingDouble(p -> p[0]))
        .toList();
    if (!finite.isEmpty()) series.add(new Series(name, finite, dashed));
    return this;
  }

  /** Writes a PNG. Throws InvalidInputException if the file cannot be written, WinnowException where Java has no font to write with. */
  public void write(Path file) {
    try {
      Png.write(draw(), file);
    } catch (InternalError | NullPointerException | LinkageError e) {
      // how a Java without fonts fails, depending on which part is missing
      throw new WinnowException(file + ": cannot be drawn, this Java finds no font; install fontconfig and fonts-dejavu-core, or see the"
          + " tables", e);
    }
  }

  private static Font font() { return new Font(Font.SANS_SERIF, Font.PLAIN, 13); }

  /** High enough for the names of all lines. */
  private int height() { return Math.max(LOWEST, TOP + (series.size() + 2) * LEGEND_ROW); }

  /** Wide enough for the longest of them. */
  private int width() {
    Graphics2D g = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB).createGraphics();
    FontMetrics metrics = g.getFontMetrics(font());
    g.dispose();
    return RIGHT + LEGEND_TEXT + series.stream().mapToInt(one -> metrics.stringWidth(one.name())).max().orElse(0) + LEGEND_ROW;
  }

  private BufferedImage draw() {
    int width = width();
    int height = height();
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    g.setColor(Color.WHITE);
    g.fillRect(0, 0, width, height);
    Axis x = Axis.over(series.stream().flatMap(s -> s.points().stream()).mapToDouble(p -> p[0]).toArray(), LEFT, RIGHT);
    Axis y = Axis.over(series.stream().flatMap(s -> s.points().stream()).mapToDouble(p -> p[1]).toArray(), height - BOTTOM, TOP);
    frame(g, x, y);
    for (int i = 0; i < series.size(); i++) line(g, i, x, y);
    g.dispose();
    return image;
  }

  private void frame(Graphics2D g, Axis x, Axis y) {
    g.setFont(font());
    for (double tick : x.ticks()) {
      g.setColor(new Color(0xE6E6E6));
      g.draw(new Line2D.Double(x.at(tick), TOP, x.at(tick), height() - BOTTOM));
      g.setColor(Color.DARK_GRAY);
      String text = number(tick);
      g.drawString(text, (float) x.at(tick) - g.getFontMetrics().stringWidth(text) / 2f, height() - BOTTOM + 20);
    }
    for (double tick : y.ticks()) {
      g.setColor(new Color(0xE6E6E6));
      g.draw(new Line2D.Double(LEFT, y.at(tick), RIGHT, y.at(tick)));
      g.setColor(Color.DARK_GRAY);
      String text = number(tick);
      g.drawString(text, LEFT - 8 - g.getFontMetrics().stringWidth(text), (float) y.at(tick) + 5);
    }
    g.setColor(Color.DARK_GRAY);
    g.drawRect(LEFT, TOP, RIGHT - LEFT, height() - BOTTOM - TOP);
    g.drawString(xLabel, (LEFT + RIGHT - g.getFontMetrics().stringWidth(xLabel)) / 2, height() - 18);
    Graphics2D turned = (Graphics2D) g.create();
    turned.rotate(-Math.PI / 2, 20, height() / 2.0);
    turned.drawString(yLabel, 20 - g.getFontMetrics().stringWidth(yLabel) / 2, height() / 2);
    turned.dispose();
    g.setFont(new Font(Font.SANS_SERIF, Font.BOLD, 15));
    g.drawString(title, LEFT, TOP - 16);
  }

  private void line(Graphics2D g, int index, Axis x, Axis y) {
    Series one = series.get(index);
    g.setColor(new Color(COLOURS[index % COLOURS.length]));
    float[] dashes = one.dashed() ? new float[] {7, 5} : null;
    g.setStroke(new BasicStroke(2, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND, 10, dashes, 0));
    Path2D path = new Path2D.Double();
    for (int i = 0; i < one.points().size(); i++) {
      double[] p = one.points().get(i);
      if (i == 0) path.moveTo(x.at(p[0]), y.at(p[1]));
      else path.lineTo(x.at(p[0]), y.at(p[1]));
    }
    g.draw(path);
    double[][] mark = MARKS[index / COLOURS.length % MARKS.length];
    if (!one.dashed()) one.points().forEach(p -> g.fill(mark(mark, x.at(p[0]), y.at(p[1]))));
    int row = TOP + LEGEND_ROW / 2 + index * LEGEND_ROW;
    g.draw(new Line2D.Double(RIGHT + 14, row, RIGHT + 40, row));
    if (!one.dashed()) g.fill(mark(mark, RIGHT + 27, row));
    g.setColor(Color.DARK_GRAY);
    g.setFont(font());
    g.drawString(one.name(), RIGHT + LEGEND_TEXT, row + 5);
  }

  private static Shape mark(double[][] corners, double x, double y) {
    if (corners.length == 0) return new Ellipse2D.Double(x - MARK_RADIUS, y - MARK_RADIUS, 2 * MARK_RADIUS, 2 * MARK_RADIUS);
    Path2D mark = new Path2D.Double();
    mark.moveTo(x + MARK_RADIUS * corners[0][0], y + MARK_RADIUS * corners[0][1]);
    for (int i = 1; i < corners.length; i++) mark.lineTo(x + MARK_RADIUS * corners[i][0], y + MARK_RADIUS * corners[i][1]);
    mark.closePath();
    return mark;
  }

  private static String number(double value) {
    return new BigDecimal(value).round(new MathContext(6)).stripTrailingZeros().toPlainString();
  }

  /** Maps values to pixels, with round numbers for ticks. */
  private record Axis(double low, double high, double step, int from, int to) {
    static Axis over(double[] values, int from, int to) {
      double low = Double.POSITIVE_INFINITY;
      double high = Double.NEGATIVE_INFINITY;
      for (double value : values) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
      if (values.length == 0) return new Axis(0, 1, 0.2, from, to);
      if (high == low) {
        double margin = low == 0 ? 1 : Math.abs(low) / 10;
        low -= margin;
        high += margin;
      }
      double raw = (high - low) / 6;
      double power = Math.pow(10, Math.floor(Math.log10(raw)));
      double step = raw / power <= 1 ? power : raw / power <= 2 ? 2 * power : raw / power <= 5 ? 5 * power : 10 * power;
      return new Axis(Math.floor(low / step) * step, Math.ceil(high / step) * step, step, from, to);
    }

    double at(double value) { return from + (value - low) / (high - low) * (to - from); }

    double[] ticks() {
      double[] ticks = new double[(int) Math.round((high - low) / step) + 1];
      for (int i = 0; i < ticks.length; i++) ticks[i] = low + i * step;
      return ticks;
    }
  }
}
