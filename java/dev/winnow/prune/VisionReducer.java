package dev.winnow.prune;

import java.util.List;
import java.util.function.IntConsumer;

/**
 * Decides which tokens of one picture stay - its patches, or what an earlier cut left of them - and what becomes of the rest. All tiles
 * are decided together, because some methods share a threshold or a budget among them. Immutable and free of state, so that sessions may
 * share a plan.
 */
public interface VisionReducer {
  /** What must be captured while the tower runs. */
  VisionNeeds needs();

  /**
   * Whether a picture of this size is left alone: it then goes the way of the plain model, bit by bit.
   *
   * @param tokens rows that the picture has; without an earlier cut newline rows are among them
   */
  boolean keepsAll(int tokens);

  /** The most rows that it leaves of a picture of so many: exact where counts decide. */
  default int most(int rows) { return rows; }

  /** Whether the first tile must be the whole picture, scaled down, with the others as its parts: then it cannot take frames of a video. */
  default boolean needsWholePicture() { return false; }

  /**
   * Decides. Runs inside a PointerScope to which all tensors of the result belong.
   *
   * @return one reduction per tile, in tile order, in terms of the tokens that the facts tell of
   */
  List<Reduction> reduce(VisionFacts facts);

  /**
   * Throws InvalidInputException where it cannot do what is asked with a picture of this size, before the tower runs.
   *
   * @param patches of each tile
   * @param spareRows of each tile that enter the language model beside what is left of its patches
   */
  default void check(int tiles, int patches, int spareRows) {}

  /**
   * For a reducer that merges tokens inside the tower: a fresh observer for each picture, asked for the result in place of {@link #reduce}.
   *
   * @param spareRows of each tile that enter the language model beside what is left of its patches
   * @param left to be told how many tokens of the picture are left, class tokens apart, once that depends on nothing any more; what it
   *     throws ends the tower
   */
  default TowerMerge towerMerge(int spareRows, IntConsumer left) { return null; }
}
