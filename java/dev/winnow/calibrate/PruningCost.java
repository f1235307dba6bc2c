package dev.winnow.calibrate;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What pruning by one method does to the times of a prompt on one machine, by the share of a picture's tokens that stays: as measured at a
 * few shares, on a straight line between two of them, and as at the nearest beyond the first and the last.
 *
 * @param imageTokens of a picture that was measured, on average
 * @param points by ascending share, one or more
 */
public record PruningCost(int imageTokens, List<Point> points) {
  /**
   * What was measured at one budget.
   *
   * @param share of the picture's tokens, on average over the decoder's layers
   * @param perTile milliseconds of tower, projector and cut per tile; a method that merges inside the tower can save some
   * @param inDecoder milliseconds beyond those that the rows of the layers take
   * @param entering rows of a picture that enter the decoder, as a share of the most that can: 1 where counts decide, less behind a merge
   *     by likeness
   */
  public record Point(double share, double perTile, double inDecoder, double entering) {}

  public PruningCost { points = List.copyOf(points); }

  /** Milliseconds of tower, projector and cut per tile. */
  public double perTile(double share) { return at(share, Point::perTile); }

  /**
   * Milliseconds that cuts inside the decoder and its caches add.
   *
   * @param tokens of all pictures
   */
  public double inDecoder(double share, int tokens) { return at(share, Point::inDecoder) * tokens / imageTokens; }

  /** Share of the rows that can enter the decoder which does. */
  public double entering(double share) { return at(share, Point::entering); }

  private double at(double share, ToDoubleFunction<Point> part) {
    Point below = points.get(0);
    for (Point above : points) {
      if (share < above.share()) {
        double way = below == above ? 0 : (share - below.share()) / (above.share() - below.share());
        return (1 - way) * part.applyAsDouble(below) + way * part.applyAsDouble(above);
      }
      below = above;
    }
    return part.applyAsDouble(below);
  }
}
