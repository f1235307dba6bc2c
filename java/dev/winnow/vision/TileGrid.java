package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import java.util.List;

/**
 * How LLaVA-NeXT and LLaVA-OneVision lay a picture on tiles ("anyres"): the canvas of a list whose shape wastes least, the picture scaled
 * to fit it and centred on black. All sizes in pixels.
 *
 * @param height rows of the canvas
 * @param width columns of the canvas
 * @param resizedHeight rows that the picture takes
 * @param resizedWidth columns that the picture takes
 * @param tile side of a tile; the canvas is a whole number of them
 */
public record TileGrid(int height, int width, int resizedHeight, int resizedWidth, int tile) {

  /** A canvas that pictures may be laid on, in pixels. */
  public record Canvas(int height, int width) {}

  public int rows() { return height / tile; }

  public int columns() { return width / tile; }

  /** First row of the picture on the canvas. */
  public int top() { return (height - resizedHeight) / 2; }

  /** First column of the picture on the canvas. */
  public int left() { return (width - resizedWidth) / 2; }

  /**
   * The canvas with the most pixels of the picture on it, and among equals the least waste, first wins; the rounding is that of
   * transformers' {@code select_best_resolution} and {@code get_patch_output_size}.
   *
   * @param canvases the checkpoint's image_grid_pinpoints, each side a multiple of {@code tile}
   */
  public static TileGrid of(int imageWidth, int imageHeight, List<Canvas> canvases, int tile) {
    Canvas best = null;
    long mostUsed = 0;
    long leastWasted = Long.MAX_VALUE;
    for (Canvas c : canvases) {
      double scale = Math.min((double) c.width / imageWidth, (double) c.height / imageHeight);
      long scaled = (long) (imageWidth * scale) * (long) (imageHeight * scale);
      long used = Math.min(scaled, (long) imageWidth * imageHeight);
      long wasted = (long) c.width * c.height - used;
      if (used > mostUsed || used == mostUsed && wasted < leastWasted) {
        mostUsed = used;
        leastWasted = wasted;
        best = c;
      }
    }
    if (best == null) {
      throw new InvalidInputException("a picture of " + imageWidth + "x" + imageHeight + " is too thin for its tiles; crop it");
    }
    double across = (double) best.width / imageWidth;
    double down = (double) best.height / imageHeight;
    return across < down
        ? new TileGrid(best.height, best.width, Math.min((int) Math.ceil(imageHeight * across), best.height), best.width, tile)
        : new TileGrid(best.height, best.width, best.height, Math.min((int) Math.ceil(imageWidth * down), best.width), tile);
  }
}
