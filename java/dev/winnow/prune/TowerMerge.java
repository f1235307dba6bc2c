package dev.winnow.prune;

import dev.winnow.vision.VisionObserver;
import java.util.List;

/** Merges tokens of one picture while the tower runs, and tells afterwards what the features stand for. */
public interface TowerMerge extends VisionObserver, AutoCloseable {
  /**
   * One reduction per tile, in tile order and in terms of patches; their rows are the features of the tower, which has fewer than it has
   * patches.
   *
   * @param facts features [tiles, tokens left, width]
   */
  List<Reduction> result(VisionFacts facts);

  /**
   * Per tile the patch that each token is listed by as things stand between two blocks, in the order of the tokens; a class token is left
   * out. Null as long as every patch is there.
   */
  int[][] patchNumbers();

  /** Gives back what was kept between blocks. */
  @Override void close();
}
