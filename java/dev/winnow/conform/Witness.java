package dev.winnow.conform;

import dev.winnow.kernels.Tensors;
import dev.winnow.prune.Candidates;
import dev.winnow.prune.CorrectedTextAttention;
import dev.winnow.prune.DualFilter;
import dev.winnow.prune.LayerCut;
import dev.winnow.prune.Merger;
import dev.winnow.prune.Plan;
import dev.winnow.prune.RankRule;
import dev.winnow.prune.Scorer;
import dev.winnow.prune.Selector;
import dev.winnow.prune.Selectors;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Stands between an engine and the parts of a plan and remembers what the records of the cuts leave out, by the layer of the cut: what
 * scores were made of, what a filter let pass, the rows that a merger made. For prompts of one image.
 */
final class Witness {
  /** Original positions of the text rows that rate; null where the plan has no raters. */
  private int[] raters;
  private final Map<Integer, float[]> columnMax = new HashMap<>();
  private final Map<Integer, int[]> filtered = new HashMap<>();
  private final Map<Integer, int[]> heads = new HashMap<>();
  private final Map<Integer, Integer> ranks = new HashMap<>();
  private final Map<Integer, Rows> made = new HashMap<>();

  /** A matrix of rows, row-major. */
  record Rows(float[] values, int width) {}

  /** The plan, heard by this witness; nothing else about it changes. */
  Plan hearing(Plan plan) {
    return new Plan(plan.method(), plan.parameters(), plan.visionCuts(), plan.cuts().stream().map(this::hearing).toList(), plan.cacheCuts(),
        plan.positions(), plan.bias(), plan.cached());
  }

  private LayerCut hearing(LayerCut cut) {
    return new LayerCut(cut.layer(), cut.scorer() == null ? null : new HeardScorer(cut.scorer(), this),
        new HeardSelector(cut.selector(), this), cut.merger() == null ? null : new HeardMerger(cut.merger(), this), cut.effect(),
        cut.rankingLayerStoredTwice());
  }

  int[] raters() { return raters; }

  /** The most that any rating row pays to each token; null where scores have no such rows. */
  float[] columnMax(int layer) { return columnMax.get(layer); }

  /** Candidate numbers that pass MustDrop's filter, key tokens or not; null for other selectors. */
  int[] filtered(int layer) { return filtered.get(layer); }

  /** Heads that count; null where all do. */
  int[] heads(int layer) { return heads.get(layer); }

  /** The rank that decided how many stay; null for other rules. */
  Integer rank(int layer) { return ranks.get(layer); }

  /** What a merger made; null where nothing was merged. */
  Rows made(int layer) { return made.get(layer); }

  private record HeardScorer(Scorer scorer, Witness witness) implements Scorer {
    @Override public Input input() { return scorer.input(); }

    @Override public boolean choosesRaters() { return scorer.choosesRaters(); }

    @Override public boolean showsEvidence() { return scorer.showsEvidence(); }

    @Override public int[] raters(Candidates entrance) { return witness.raters = scorer.raters(entrance); }

    @Override public Tensor score(Candidates candidates) {
      if (scorer instanceof CorrectedTextAttention corrected) witness.heads.put(candidates.view().layer(), corrected.strongest(candidates));
      return scorer.score(candidates);
    }
  }

  private record HeardSelector(Selector selector, Witness witness) implements Selector {
    @Override public Needs needs() { return selector.needs(); }

    @Override public int most(int total, int present) { return selector.most(total, present); }

    @Override public int[] select(Candidates candidates, Tensor scores) {
      int layer = candidates.view().layer();
      if (scores != null && scores.dim() == 2) witness.columnMax.put(layer, Tensors.toFloats(DualFilter.columnMax(scores)));
      if (selector instanceof DualFilter filter) witness.filtered.put(layer, filter.filter(scores));
      if (selector instanceof MustDropCases.Imposed imposed) witness.filtered.put(layer, imposed.filtered());
      if (selector instanceof RankRule) witness.ranks.put(layer, RankRule.rank(Selectors.evidence(scores)));
      return selector.select(candidates, scores);
    }
  }

  private record HeardMerger(Merger merger, Witness witness) implements Merger {
    @Override public int most(int dropped) { return merger.most(dropped); }

    @Override public Merge merge(Candidates candidates, float[] scores, int[] kept) {
      Merge merge = merger.merge(candidates, scores, kept);
      if (merge != null) {
        witness.made.put(candidates.view().layer(), new Rows(Tensors.toFloats(merge.rows()), (int) merge.rows().size(1)));
      }
      return merge;
    }
  }
}
