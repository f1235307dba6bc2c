package dev.winnow.decoder;

import dev.winnow.InvalidInputException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * One sequence being processed: its KV cache, the segments it is made of, and the rule for its positions. Original indices count every row
 * that ever entered the language model, over all turns. One thread at a time.
 */
public final class Sequence implements AutoCloseable {
  private final KvCache cache;
  private final List<Segment> segments = new ArrayList<>();
  private PositionPolicy policy = PositionPolicy.KEEP;
  private LayerPruner pruner = LayerPruner.NONE;
  private final RowPlaces places = new RowPlaces();
  private int length;
  /** Rows that an unpruned sequence would have and this one never had. */
  private int withdrawn;

  Sequence(KvCache cache) { this.cache = cache; }

  public KvCache cache() { return cache; }

  /** What the sequence is made of, in order; covers the prompts, not the generated rows between and after them. */
  public List<Segment> segments() { return Collections.unmodifiableList(segments); }

  public PositionPolicy policy() { return policy; }

  /** Rows that have entered the model so far. */
  public int length() { return length; }

  public LayerPruner pruner() { return pruner; }

  /** Sets who removes tokens from now on, and the rule for positions. The rule cannot change once rows were removed. */
  public void prune(LayerPruner pruner, PositionPolicy policy) {
    if (policy != this.policy && (cache.pruned(length) || policy == PositionPolicy.RENUMBER && places.moved())) {
      throw new InvalidInputException("a session cannot change its position policy from " + this.policy + " to " + policy
          + " between turns; open a new session for another method");
    }
    this.pruner = pruner;
    this.policy = policy;
    if (length == 0) for (int i = 0; i < cache.layers(); i++) cache.layer(i).copies(pruner.copies(i));
  }

  /** Announces a segment that the next forward pass will bring. Starts where the last announced row ended. */
  public void add(Segment segment) { segments.add(segment); }

  /** Tells, before an announced image is run, what its rows stand for. Images without that take their rows as they are. */
  public void place(int image, ImageRows rows) {
    for (Segment segment : segments) if (segment.image() == image) places.add(segment.start(), rows);
  }

  RowPlaces places() { return places; }

  /** Rotary position of a row by its original index, but under {@link PositionPolicy#RENUMBER}. */
  public int position(int origin) { return places.position(origin); }

  /** A state to come back to, should a step fail. */
  public record Mark(int length, int withdrawn, int segments, int[] rows, int[] nextPositions) {}

  public Mark mark() { return new Mark(length, withdrawn, segments.size(), cache.rows(), cache.nextPositions()); }

  /** Forgets every row and segment since the mark. */
  public void rollback(Mark mark) {
    length = mark.length();
    withdrawn = mark.withdrawn();
    segments.subList(mark.segments(), segments.size()).clear();
    places.truncate(length);
    cache.rollback(mark.rows(), mark.nextPositions());
    cache.unprunedRows(length + withdrawn);
  }

  /** Tells that rows were removed before they entered the model, so that what pruning saves counts them. */
  public void withdraw(int rows) { withdrawn += rows; }

  void grow(int rows) {
    length += rows;
    cache.unprunedRows(length + withdrawn);
  }

  /** Forgets everything and gives all memory back to the pool; the sequence can be filled again. */
  public void clear() {
    cache.close();
    segments.clear();
    places.truncate(0);
    length = 0;
  }

  @Override public void close() { clear(); }
}
