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
 * @param clip what is wanted of picture and question in CLIP's common space
 */
public record VisionNeeds(Set<Integer> classRows, Set<Integer> projections, Set<Integer> received, boolean classState, boolean grid,
    Clip clip) {
  /** How much of the question is wanted beside the picture in CLIP's common space; each has what the ones before it have. */
  public enum Clip { NOTHING, WHOLE_TEXT, EVERY_POSITION }

  public static final VisionNeeds NOTHING = of(Set.of(), Set.of(), Set.of());

  public VisionNeeds {
    classRows = Set.copyOf(classRows);
    projections = Set.copyOf(projections);
    received = Set.copyOf(received);
  }

  public static VisionNeeds classRows(Integer... blocks) { return of(Set.of(blocks), Set.of(), Set.of()); }

  public static VisionNeeds projections(Integer... blocks) { return of(Set.of(), Set.of(blocks), Set.of()); }

  public static VisionNeeds received(Integer... blocks) { return of(Set.of(), Set.of(), Set.of(blocks)); }

  private static VisionNeeds of(Set<Integer> classRows, Set<Integer> projections, Set<Integer> received) {
    return new VisionNeeds(classRows, projections, received, false, false, Clip.NOTHING);
  }

  public VisionNeeds withClassState() { return new VisionNeeds(classRows, projections, received, true, grid, clip); }

  public VisionNeeds withGrid() { return new VisionNeeds(classRows, projections, received, classState, true, clip); }

  public VisionNeeds withClip(Clip wanted) { return new VisionNeeds(classRows, projections, received, classState, grid, wanted); }

  /** Both together. */
  public VisionNeeds and(VisionNeeds other) {
    return new VisionNeeds(union(classRows, other.classRows), union(projections, other.projections), union(received, other.received),
        classState || other.classState, grid || other.grid, clip.compareTo(other.clip) > 0 ? clip : other.clip);
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
