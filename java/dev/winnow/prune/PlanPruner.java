package dev.winnow.prune;

import dev.winnow.decoder.CutView;
import dev.winnow.decoder.LayerPruner;
import dev.winnow.decoder.RowCut;
import dev.winnow.decoder.Segment;
import dev.winnow.kernels.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Carries out the decoder cuts of a plan for one sequence and records what they did. One thread at a time. */
public final class PlanPruner implements LayerPruner {
  private final Map<Integer, LayerCut> cuts = new HashMap<>();
  private final List<CutRecord> records = new ArrayList<>();
  private int firstImage;

  public PlanPruner(Plan plan) {
    for (LayerCut cut : plan.cuts()) cuts.put(cut.layer(), cut);
  }

  /** Only images with this number or a higher one are cut from now on: those of the turn that begins. */
  public void beginTurn(int firstImage) {
    this.firstImage = firstImage;
    records.clear();
  }

  /** What the cuts did since the turn began, in order. */
  public List<CutRecord> records() { return List.copyOf(records); }

  @Override public Need need(int layer, boolean generating) {
    LayerCut cut = active(layer, generating);
    if (cut == null) return Need.NOTHING;
    return cut.scorer() != null && cut.scorer().input() == Scorer.Input.LAYER_ITSELF ? Need.PROJECTIONS : Need.INPUT;
  }

  @Override public boolean keepsQueries(int layer, boolean generating) {
    LayerCut next = active(layer + 1, generating);
    return next != null && next.scorer() != null && next.scorer().input() == Scorer.Input.LAYER_BEFORE;
  }

  @Override public int copies(int layer) {
    LayerCut next = cuts.get(layer + 1);
    return next != null && next.rankingLayerStoredTwice() ? 2 : 1;
  }

  /** Tokens that were dropped stay dropped; only hiding is decided anew for every generated token. */
  private LayerCut active(int layer, boolean generating) {
    LayerCut cut = cuts.get(layer);
    return cut == null || generating && cut.effect() == LayerCut.Effect.DROP ? null : cut;
  }

  @Override public RowCut cut(CutView view) {
    LayerCut cut = cuts.get(view.layer());
    boolean hide = cut.effect() == LayerCut.Effect.HIDE;
    // what is hidden stays in the cache, so candidates for hiding are found among the keys
    int[] origins = hide && view.keyOrigins() != null ? view.keyOrigins() : view.origins();
    BitSet removed = new BitSet();
    for (Segment segment : view.segments()) {
      if (segment.isText() || !hide && segment.image() < firstImage) continue;
      Candidates candidates = Candidates.of(view, segment, origins);
      if (candidates.count() > 0) cutImage(cut, candidates, removed);
    }
    if (removed.isEmpty()) return RowCut.NOTHING;
    if (hide) return RowCut.hide(removed);
    int[] all = view.origins();
    int[] keep = new int[all.length];
    int n = 0;
    for (int row = 0; row < all.length; row++) if (!removed.get(all[row])) keep[n++] = row;
    return RowCut.keep(Arrays.copyOf(keep, n));
  }

  private void cutImage(LayerCut cut, Candidates candidates, BitSet removed) {
    long begin = System.nanoTime();
    Tensor scores = cut.scorer() == null ? null : cut.scorer().score(candidates);
    int[] selected = cut.selector().select(candidates, scores);
    long nanos = System.nanoTime() - begin;
    int[] kept = Arrays.stream(selected).map(i -> candidates.original()[i]).toArray();
    removed.set(candidates.segment().start(), candidates.segment().end());
    for (int index : kept) removed.clear(candidates.segment().start() + index);
    float[] values = scores == null ? null : Tensors.toFloats(scores);
    records.add(new CutRecord(cut.site(), candidates.segment().image(), candidates.count(), kept, CutRecord.margin(values, selected), values, nanos));
  }
}
