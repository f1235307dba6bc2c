package dev.winnow.prune;

import java.util.Set;
import java.util.TreeSet;

/**
 * What a reducer must be shown of the tower besides its features; nothing else is captured, and no block runs twice. Blocks are 0-based.
 *
 * @param classRows blocks whose attention of the class token is wanted, per head
 * @param projections blocks whose queries and keys are wanted
 * @param received blocks for which the mean attention that every token receives is wanted
 * @param classState whether the class token's hidden state, in the layers that the features come from, is wanted
 * @param grid whether the reducer goes by where patches lie in the picture, so that all of them must still be there
 */
public record VisionNeeds(Set<Integer> classRows, Set<Integer> projections, Set<Integer> received, boolean classState, boolean grid) {
  public static final VisionNeeds NOTHING = new VisionNeeds(Set.of(), Set.of(), Set.of(), false, false);

  public VisionNeeds {
    classRows = Set.copyOf(classRows);
    projections = Set.copyOf(projections);
    received = Set.copyOf(received);
  }

  public static VisionNeeds classRows(Integer... blocks) { return new VisionNeeds(Set.of(blocks), Set.of(), Set.of(), false, false); }

  public static VisionNeeds projections(Integer... blocks) { return new VisionNeeds(Set.of(), Set.of(blocks), Set.of(), false, false); }

  public static VisionNeeds received(Integer... blocks) { return new VisionNeeds(Set.of(), Set.of(), Set.of(blocks), false, false); }

  public VisionNeeds withClassState() { return new VisionNeeds(classRows, projections, received, true, grid); }

  public VisionNeeds withGrid() { return new VisionNeeds(classRows, projections, received, classState, true); }

  /** Both together. */
  public VisionNeeds and(VisionNeeds other) {
    return new VisionNeeds(union(classRows, other.classRows), union(projections, other.projections), union(received, other.received),
        classState || other.classState, grid || other.grid);
  }

  private static Set<Integer> union(Set<Integer> some, Set<Integer> more) {
    Set<Integer> all = new TreeSet<>(some);
    all.addAll(more);
    return all;
  }

  boolean shows(int block) { return classRows.contains(block) || projections.contains(block) || received.contains(block); }

  /** Deepest block that is looked at, -1 for none. */
  int deepestBlock() { return union(union(classRows, projections), received).stream().mapToInt(block -> block).max().orElse(-1); }
}
