package dev.winnow.engine;

import static org.bytedeco.pytorch.global.torch.cat;

import dev.winnow.InvalidInputException;
import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.ImageRows;
import dev.winnow.decoder.PositionPolicy;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.Sequence;
import dev.winnow.decoder.StepObserver;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlanPruner;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/**
 * One sequence under one plan: prompts go in as rows, then tokens one by one; {@link #advance} moves any number of runs on together, each
 * under its own plan. Where the plan does not cache, every step computes all rows anew. One thread at a time.
 */
public final class SequenceRun implements AutoCloseable {
  private final Decoder decoder;
  private final Sequence sequence;
  private Plan plan = Plan.NONE;
  private PlanPruner pruner = new PlanPruner(Plan.NONE);
  private final List<Segment> segments = new ArrayList<>();
  private int announced;
  /** Rows waiting for the next step; with an uncached plan, all rows so far. */
  private Tensor pending;
  private boolean generating;

  public SequenceRun(Decoder decoder) {
    this.decoder = decoder;
    this.sequence = decoder.newSequence();
  }

  public Decoder decoder() { return decoder; }

  public Sequence sequence() { return sequence; }

  public Plan plan() { return plan; }

  /** What the cuts did since the last prompt began. */
  public List<CutRecord> cuts() { return pruner.records(); }

  /**
   * Gives the rows of a prompt.
   *
   * @param rows [n, hidden], n >= 1; copied or retained, the caller's scope may end
   * @param parts the segments that the rows are made of, starting at 0; images numbered from {@code firstImage}
   * @param newTokens tokens that the answer may have, for which the cache makes room
   */
  public void prompt(Tensor rows, List<Segment> parts, int firstImage, Plan plan, int newTokens) {
    if (announced > 0 && plan.cached() != this.plan.cached()) {
      throw new InvalidInputException("method '" + plan.method() + "' " + (plan.cached() ? "caches" : "computes every token anew")
          + ", unlike the one that this session began with; open a new session for it");
    }
    PlanPruner next = new PlanPruner(plan);
    next.beginTurn(plan.cached() ? firstImage : 0);
    // a plan without cuts leaves positions as the turns before have them
    sequence.prune(next, plan.removesNothing() && !plan.repairs() ? sequence.policy() : plan.positions());
    pruner = next;
    this.plan = plan;
    sequence.cache().headroom(headroom(newTokens));
    int start = totalRows();
    List<Segment> placed = new ArrayList<>();
    for (Segment part : parts) placed.add(part.startingAt(start + part.start()));
    segments.addAll(placed);
    placed.forEach(sequence::add);
    append(rows);
    generating = false;
  }

  /** Rows for which a cache makes room beyond the prompt, for an answer of at most so many tokens. */
  public static int headroom(int newTokens) { return Math.min(newTokens, 128); }

  /** Tells, before the prompt is run, which tokens of one of its images an earlier stage wants kept, by their number within the image. */
  public void keyTokens(int image, int[] tokens) { pruner.keyTokens(image, tokens); }

  /** Tells, before the prompt is run, what the rows of one of its images stand for. */
  public void imageRows(int image, ImageRows rows) {
    sequence.place(image, plan.positions() == PositionPolicy.ORIGINAL ? rows : rows.contiguous());
  }

  /** Gives the next token of the sequence. */
  public void token(int id) {
    try (PointerScope scope = new PointerScope()) {
      append(decoder.embed(id));
    }
    generating = true;
  }

  /** A state to come back to, should a step fail. */
  record Mark(Sequence.Mark sequence, int rows, int segments) {}

  /** Not while rows wait for a step. */
  Mark mark() { return new Mark(sequence.mark(), announced, segments.size()); }

  /** Forgets everything given since the mark. */
  void rollback(Mark mark) {
    if (plan.cached() || mark.rows() == 0) {
      drop();
      sequence.rollback(mark.sequence());
    } else {
      // nothing is cached between steps: the rows of the turns before are what has to stay
      sequence.clear();
      keepPending(mark.rows());
    }
    segments.subList(mark.segments(), segments.size()).clear();
    announced = mark.rows();
  }

  private void keepPending(int rows) {
    try (PointerScope scope = new PointerScope()) {
      Tensor kept = pending.narrow(0, 0, rows).clone();
      kept.retainReference();
      drop();
      pending = kept;
    }
  }

  /** Rows given so far. */
  public int totalRows() { return announced; }

  /**
   * Moves runs on by what they were given; per run the logits of its last row, float32 [vocab]. Every run must have been given
   * something.
   */
  public static float[][] advance(Decoder decoder, List<SequenceRun> runs, StepObserver observer) {
    try (PointerScope scope = new PointerScope()) {
      List<Decoder.Rows> batch = new ArrayList<>();
      for (SequenceRun run : runs) batch.add(run.rows());
      float[][] logits = decoder.step(batch, observer);
      for (SequenceRun run : runs) {
        if (!run.plan.cached()) continue;
        run.drop();
        run.pruner.afterStep(run.sequence, run.generating);
      }
      return logits;
    }
  }

  private Decoder.Rows rows() {
    if (plan.cached()) return new Decoder.Rows(sequence, pending, generating);
    sequence.clear();
    sequence.prune(pruner, plan.positions());
    segments.forEach(sequence::add);
    return new Decoder.Rows(sequence, pending, false);
  }

  private void append(Tensor rows) {
    announced += (int) rows.size(0);
    Tensor next = pending == null ? rows : cat(new TensorVector(pending, rows), 0);
    next.retainReference();
    drop();
    pending = next;
  }

  private void drop() {
    if (pending != null) pending.releaseReference();
    pending = null;
  }

  @Override public void close() {
    drop();
    sequence.close();
  }
}
