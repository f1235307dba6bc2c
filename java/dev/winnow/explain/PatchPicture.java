package dev.winnow.explain;

import dev.winnow.vision.RgbImage;
import dev.winnow.vision.TileGrid;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Line2D;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * Draws what the tower saw of a picture with its patches marked: kept or dropped, coloured by score, linked where they were merged. Tiles
 * lie as they do in the picture, the whole picture to their left. Needs no display and no fonts.
 */
public final class PatchPicture {
  /** Shorter side of a drawn tile, in pixels, at least. */
  private static final int LEAST_SIDE = 336;
  private static final int GAP = 6;
  private static final int DARK = 0x3A3F47;
  /** What a dimmed patch keeps of its own colour. */
  private static final double LEFT_OF_DIMMED = 0.14;
  private static final int WHITE = 0xFFFFFF;
  /** What the picture keeps of its colours under the lines of merges. */
  private static final double LEFT_UNDER_LINES = 0.4;
  /** From dark violet over blue-green to yellow: even steps of lightness. */
  private static final int[] COLOURS = {0x440154, 0x46327E, 0x365C8D, 0x277F8E, 0x1FA187, 0x4AC16D, 0xA0DA39, 0xFDE725};

  private final List<RgbImage> tiles;
  private final TileGrid grid;
  private final int side;
  private final int scale;

  /**
   * @param tiles as the tower takes them
   * @param grid how the picture was cut; null for one tile
   * @param side patches on one side of a tile
   */
  public PatchPicture(List<RgbImage> tiles, TileGrid grid, int side) {
    this.tiles = tiles;
    this.grid = grid;
    this.side = side;
    this.scale = Math.max(1, (LEAST_SIDE + tiles.get(0).width() - 1) / tiles.get(0).width());
  }

  /** The picture as it is. */
  public BufferedImage plain() { return draw((patch, argb) -> argb); }

  /** Dropped patches fade to grey. Patches are numbered row by row within a tile, and tile after tile. */
  public BufferedImage kept(BitSet kept) {
    return draw((patch, rgb) -> {
      if (kept.get(patch)) return rgb;
      int grey = ((rgb >> 16 & 255) * 3 + (rgb >> 8 & 255) * 6 + (rgb & 255)) / 10;
      int faded = 205 + grey * 30 / 255;
      return faded << 16 | faded << 8 | faded;
    });
  }

  /** Dropped patches sink into the dark, so that several stages side by side are told apart at a glance. */
  public BufferedImage dimmed(BitSet kept) { return draw((patch, rgb) -> kept.get(patch) ? rgb : mixed(rgb, DARK, LEFT_OF_DIMMED)); }

  /**
   * Patches coloured by their scores, from the lowest to the 99th percentile of those that are finite, so that a single outlier does not
   * flatten the rest. Patches with NaN are grey.
   *
   * @param scores [patches]
   */
  public BufferedImage heat(float[] scores) {
    double low = Double.POSITIVE_INFINITY;
    float[] sorted = sortedFinite(scores);
    if (sorted.length > 0) low = sorted[0];
    double high = sorted.length == 0 ? low : sorted[(int) (0.99 * (sorted.length - 1))];
    double from = low;
    double span = high > low ? high - low : 1;
    return draw((patch, rgb) -> {
      if (!Float.isFinite(scores[patch])) return 0xDDDDDD;
      int colour = colour(Math.min(1, (scores[patch] - from) / span));
      return mixed(rgb, colour, 0.3);
    });
  }

  /**
   * The picture, paler, with a line from every merged patch to the one that it went into.
   *
   * @param links pairs of {from, into}
   */
  public BufferedImage merged(List<int[]> links) {
    BufferedImage image = draw((patch, rgb) -> mixed(rgb, WHITE, LEFT_UNDER_LINES));
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.setStroke(new BasicStroke(1.5f));
    // the more lines there are the fainter they are, so that many of them show where they gather
    g.setColor(new Color(0xCC, 0x20, 0x20, (int) Math.max(10, Math.min(150, 60_000L / Math.max(1, links.size())))));
    for (int[] link : links) {
      double[] from = centre(link[0]);
      double[] into = centre(link[1]);
      g.draw(new Line2D.Double(from[0], from[1], into[0], into[1]));
    }
    g.dispose();
    return image;
  }

  private interface Shade {
    int of(int patch, int rgb);
  }

  private BufferedImage draw(Shade shade) {
    RgbImage first = tiles.get(0);
    int columns = grid == null ? 1 : 1 + grid.columns();
    int rows = grid == null ? 1 : grid.rows();
    int gap = grid == null ? 0 : GAP;
    int width = columns * first.width() * scale + gap;
    BufferedImage image = new BufferedImage(width, rows * first.height() * scale, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setColor(Color.WHITE);
    g.fillRect(0, 0, image.getWidth(), image.getHeight());
    g.dispose();
    for (int t = 0; t < tiles.size(); t++) tile(image, t, shade);
    return image;
  }

  private void tile(BufferedImage image, int t, Shade shade) {
    RgbImage tile = tiles.get(t);
    int left = left(t);
    int top = top(t);
    for (int y = 0; y < tile.height() * scale; y++) {
      int row = Math.min(side - 1, y / scale * side / tile.height());
      for (int x = 0; x < tile.width() * scale; x++) {
        int column = Math.min(side - 1, x / scale * side / tile.width());
        int rgb = colourAt(tile, x / scale, y / scale);
        image.setRGB(left + x, top + y, shade.of((t * side + row) * side + column, rgb));
      }
    }
  }

  private static int colourAt(RgbImage tile, int x, int y) {
    return tile.channel(x, y, 0) << 16 | tile.channel(x, y, 1) << 8 | tile.channel(x, y, 2);
  }

  private int left(int t) { return t == 0 ? 0 : (1 + (t - 1) % grid.columns()) * tiles.get(0).width() * scale + GAP; }

  private int top(int t) { return t == 0 ? 0 : (t - 1) / grid.columns() * tiles.get(0).height() * scale; }

  private double[] centre(int patch) {
    int t = patch / (side * side);
    double step = (double) tiles.get(0).width() * scale / side;
    return new double[] {left(t) + (patch % side + 0.5) * step, top(t) + (patch / side % side + 0.5) * step};
  }

  private static float[] sortedFinite(float[] scores) {
    float[] finite = new float[scores.length];
    int n = 0;
    for (float score : scores) if (Float.isFinite(score)) finite[n++] = score;
    float[] sorted = Arrays.copyOf(finite, n);
    Arrays.sort(sorted);
    return sorted;
  }

  private static int colour(double share) {
    double at = Math.max(0, share) * (COLOURS.length - 1);
    int below = (int) Math.min(COLOURS.length - 2.0, at);
    return mixed(COLOURS[below], COLOURS[below + 1], 1 - (at - below));
  }

  private static int mixed(int a, int b, double shareOfA) {
    int out = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
      out |= (int) Math.round((a >> shift & 255) * shareOfA + (b >> shift & 255) * (1 - shareOfA)) << shift;
    }
    return out;
  }
}
