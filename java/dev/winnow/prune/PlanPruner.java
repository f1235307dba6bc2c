package dev.winnow.prune;

import static org.bytedeco.pytorch.global.torch.cat;

import dev.winnow.InvalidInputException;
import dev.winnow.decoder.AttentionBias;
import dev.winnow.decoder.CutView;
import dev.winnow.decoder.LayerPruner;
import dev.winnow.decoder.RowCut;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.Sequence;
import dev.winnow.kernels.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/** Carries out the decoder cuts of a plan for one sequence and records what they did. One thread at a time. */
public final class PlanPruner implements LayerPruner {
  private final Map<Integer, LayerCut> cuts = new HashMap<>();
  private final List<CutRecord> records = new ArrayList<>();
  /** Per scorer that chooses raters, and per image: what it chose this turn. */
  private final Map<Scorer, Map<Integer, int[]>> raters = new HashMap<>();
  /** Per image: tokens that an earlier stage wants kept. */
  private final Map<Integer, int[]> keyTokens = new HashMap<>();
  /** Null where the plan leaves the cache alone. */
  private final CachePruner cache;
  private final AttentionBias bias;
  private int firstImage;

  public PlanPruner(Plan plan) {
    for (LayerCut cut : plan.cuts()) cuts.put(cut.layer(), cut);
    bias = plan.bias();
    cache = plan.cacheCuts().isEmpty() ? null : new CachePruner(plan.cacheCuts());
  }

  /** Only images with this number or a higher one are cut from now on: those of the turn that begins. */
  public void beginTurn(int firstImage) {
    this.firstImage = firstImage;
    records.clear();
    raters.clear();
    keyTokens.clear();
    if (cache != null) cache.beginTurn(firstImage);
  }

  /** Tells which tokens of an image of this turn, by original index, an earlier stage wants kept. */
  public void keyTokens(int image, int[] tokens) { keyTokens.put(image, tokens.clone()); }

  /** What the cuts did since the turn began, in order. */
  public List<CutRecord> records() { return List.copyOf(records); }

  @Override public Need need(int layer, boolean generating) {
    LayerCut cut = active(layer, generating);
    boolean entrance = layer == 0 && !generating && cuts.values().stream().anyMatch(other -> other.scorer() != null
        && other.scorer().choosesRaters());
    if (cut == null) return entrance ? Need.INPUT : Need.NOTHING;
    return cut.scorer() != null && cut.scorer().input() == Scorer.Input.LAYER_ITSELF ? Need.PROJECTIONS : Need.INPUT;
  }

  @Override public boolean keepsQueries(int layer, boolean generating) {
    LayerCut next = active(layer + 1, generating);
    return next != null && next.scorer() != null && next.scorer().input() == Scorer.Input.LAYER_BEFORE;
  }

  @Override public boolean watches(int layer, boolean generating) { return cache != null && cache.watches(layer, generating); }

  @Override public void attended(int layer, boolean generating, List<Segment> segments, Tensor queries, Tensor keys, int[] keyOrigins) {
    cache.attended(layer, generating, segments, queries, keys, keyOrigins);
  }

  /** Cuts the cache after a step, where the plan says so. */
  public void afterStep(Sequence sequence, boolean generating) {
    if (cache != null) records.addAll(cache.afterStep(sequence, generating, keyTokens));
  }

  @Override public AttentionBias attentionBias() { return bias; }

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
    if (view.layer() == 0 && !view.generating()) chooseRaters(view);
    LayerCut cut = active(view.layer(), view.generating());
    if (cut == null) return RowCut.NOTHING;
    return cut.effect() == LayerCut.Effect.HIDE ? hide(cut, view) : drop(cut, view);
  }

  private void chooseRaters(CutView view) {
    for (LayerCut cut : cuts.values()) {
      Scorer scorer = cut.scorer();
      if (scorer == null || !scorer.choosesRaters() || raters.containsKey(scorer)) continue;
      Map<Integer, int[]> perImage = new HashMap<>();
      raters.put(scorer, perImage);
      for (Segment segment : view.segments()) {
        if (segment.isText() || segment.image() < firstImage) continue;
        perImage.put(segment.image(), scorer.raters(Candidates.of(view, segment, view.origins(), ImageNotes.NONE)));
      }
    }
  }

  private ImageNotes notes(LayerCut cut, Segment segment) {
    return new ImageNotes(raters.getOrDefault(cut.scorer(), Map.of()).get(segment.image()), keyTokens.getOrDefault(segment.image(),
        new int[0]), null);
  }

  /** What is hidden stays in the cache, so candidates for hiding are found among the keys, those of earlier turns included. */
  private RowCut hide(LayerCut cut, CutView view) {
    int[] origins = view.keyOrigins() == null ? view.origins() : view.keyOrigins();
    BitSet hidden = new BitSet();
    for (Segment segment : view.segments()) {
      if (segment.isText()) continue;
      Candidates candidates = Candidates.of(view, segment, origins, notes(cut, segment));
      if (candidates.count() == 0) continue;
      hidden.set(segment.start(), segment.end());
      for (int index : choose(cut, candidates).kept()) hidden.clear(segment.start() + candidates.original()[index]);
    }
    return hidden.isEmpty() ? RowCut.NOTHING : RowCut.hide(hidden);
  }

  private RowCut drop(LayerCut cut, CutView view) {
    int rows = view.origins().length;
    int[] keep = new int[rows];
    List<Integer> places = new ArrayList<>();
    List<Tensor> merged = new ArrayList<>();
    int n = 0;
    int row = 0;
    for (Segment segment : view.segments()) {
      if (segment.isText() || segment.image() < firstImage) continue;
      Candidates candidates = Candidates.of(view, segment, view.origins(), notes(cut, segment));
      if (candidates.count() == 0) continue;
      Choice choice = choose(cut, candidates);
      while (row < candidates.firstRow()) keep[n++] = row++;
      for (int index : choice.kept()) keep[n++] = row + index;
      if (choice.merge() != null) {
        for (int index : choice.merge().into()) {
          places.add(n);
          keep[n++] = row + index;
        }
        merged.add(choice.merge().rows());
      }
      row += candidates.count();
    }
    while (row < rows) keep[n++] = row++;
    if (n == 0) {
      throw new InvalidInputException("this prompt is pictures alone, and the cut at " + cut.site()
          + " leaves nothing of them to answer from; add text, or keep a token");
    }
    if (merged.isEmpty()) return n == rows ? RowCut.NOTHING : RowCut.keep(Arrays.copyOf(keep, n));
    Tensor all = merged.size() == 1 ? merged.get(0) : cat(new TensorVector(merged.toArray(new Tensor[0])), 0);
    return new RowCut(Arrays.copyOf(keep, n), null, new RowCut.Merged(places.stream().mapToInt(Integer::intValue).toArray(), all));
  }

  /** @param kept candidate numbers that stay; {@code merge} may be null */
  private record Choice(int[] kept, Merger.Merge merge) {}

  private Choice choose(LayerCut cut, Candidates candidates) {
    long begin = System.nanoTime();
    Tensor scores = cut.scorer() == null ? null : cut.scorer().score(candidates);
    boolean nothingToJudgeBy = scores != null && scores.dim() == 2 && scores.size(0) == 1;
    int[] kept = nothingToJudgeBy ? Selectors.all(candidates.count()) : cut.selector().select(candidates, scores);
    float[] values = scores == null ? null : Tensors.toFloats(scores.dim() == 1 ? scores : scores.select(0, 0));
    Merger.Merge merge = cut.merger() == null || nothingToJudgeBy ? null : cut.merger().merge(candidates, values, kept);
    long nanos = System.nanoTime() - begin;
    int[] original = candidates.original();
    IntStream goOn = merge == null ? Arrays.stream(kept) : IntStream.concat(Arrays.stream(kept), Arrays.stream(merge.into()));
    List<CutRecord.Merged> merged = new ArrayList<>();
    for (int i = 0; merge != null && i < merge.into().length; i++) {
      merged.add(new CutRecord.Merged(original[merge.into()[i]], Arrays.stream(merge.from()[i]).map(from -> original[from]).toArray()));
    }
    records.add(new CutRecord(cut.site(), null, candidates.segment().image(), candidates.count(), goOn.map(i -> original[i]).toArray(),
        merged,
        CutRecord.margin(values, kept), values, nanos));
    return new Choice(kept, merge);
  }
}
