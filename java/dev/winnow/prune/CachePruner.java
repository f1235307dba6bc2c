package dev.winnow.prune;

import dev.winnow.decoder.KvCache;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.Sequence;
import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** Carries out the cache cuts of a plan for one sequence. One thread at a time. */
final class CachePruner {
  private final List<CacheCut> cuts;
  /** Per cut, layer and image: attention paid to each token of the image, by original index, since the cut before. */
  private final List<Map<Integer, Map<Integer, float[]>>> paid = new ArrayList<>();
  private int firstImage;
  private int generated;

  CachePruner(List<CacheCut> cuts) {
    this.cuts = cuts;
    for (int i = 0; i < cuts.size(); i++) paid.add(new HashMap<>());
  }

  void beginTurn(int firstImage) {
    this.firstImage = firstImage;
    generated = 0;
    paid.forEach(Map::clear);
  }

  boolean watches(int layer, boolean generating) {
    return cuts.stream().anyMatch(cut -> cut.watches(layer) && active(cut, generating));
  }

  private static boolean active(CacheCut cut, boolean generating) {
    return cut.when() == (generating ? Site.Kind.DECODE
        : Site.Kind.CACHE);
  }

  void attended(int layer, boolean generating, List<Segment> segments, Tensor queries, Tensor keys, int[] keyOrigins) {
    for (Segment segment : images(segments)) {
      Candidates candidates = Candidates.cached(segment, keyOrigins, ImageNotes.NONE);
      if (candidates.count() == 0) continue;
      for (int c = 0; c < cuts.size(); c++) {
        if (!active(cuts.get(c), generating) || !cuts.get(c).watches(layer)) continue;
        float[] scores = Tensors.toFloats(attention(cuts.get(c), queries, keys, candidates));
        float[] sums = paid.get(c).computeIfAbsent(layer, l -> new HashMap<>()).computeIfAbsent(segment.image(), i ->
            new float[segment.length()]);
        for (int i = 0; i < scores.length; i++) sums[candidates.original()[i]] += scores[i];
      }
    }
  }

  /** Attention of the newest rows to the candidates, the mean over those rows: float32 [candidates]. */
  private static Tensor attention(CacheCut cut, Tensor queries, Tensor keys, Candidates candidates) {
    int rows = (int) Math.min(cut.attention().rows(), queries.size(0));
    int m = (int) keys.size(0);
    int[] visible = IntStream.rangeClosed(m - rows + 1, m).toArray();
    return Kernels.attentionMap(queries.narrow(0, queries.size(0) - rows, rows), visible, keys, candidates.firstRow(),
        candidates.count()).mean(0);
  }

  private List<Segment> images(List<Segment> segments) {
    return segments.stream().filter(segment -> !segment.isText() && segment.image() >= firstImage).toList();
  }

  /** Cuts what is due after a step; what the cuts did, layers that were cut alike together. */
  List<CutRecord> afterStep(Sequence sequence, boolean generating, Map<Integer, int[]> keyTokens) {
    if (generating) generated++;
    List<CutRecord> records = new ArrayList<>();
    for (int c = 0; c < cuts.size(); c++) {
      CacheCut cut = cuts.get(c);
      if (!active(cut, generating) || generating && generated % cut.every() != 0) continue;
      cut(cut, paid.get(c), sequence, keyTokens, records);
      paid.get(c).clear();
    }
    return records;
  }

  private void cut(CacheCut cut, Map<Integer, Map<Integer, float[]>> sums, Sequence sequence, Map<Integer, int[]> keyTokens,
      List<CutRecord> records) {
    KvCache cache = sequence.cache();
    int[][] keep = new int[cache.layers()][];
    for (Segment segment : images(sequence.segments())) {
      int[] survivors = Candidates.cached(segment, cache.origins(cache.layers() - 1), ImageNotes.NONE).original();
      ImageNotes notes = new ImageNotes(null, keyTokens.getOrDefault(segment.image(), new int[0]), survivors);
      List<CutRecord> perLayer = new ArrayList<>();
      for (int layer = 0; layer < keep.length; layer++) {
        if (!cut.covers(layer)) continue;
        Candidates candidates = Candidates.cached(segment, cache.origins(layer), notes);
        if (candidates.count() > 0) keep[layer] = cutImage(cut, layer, candidates, sums, keep[layer], cache, perLayer);
      }
      records.addAll(together(perLayer));
    }
    cache.compact(keep);
    if (cut.continueFromRows()) cache.continueFromRows(IntStream.range(0, keep.length).filter(cut::covers).toArray());
  }

  /** @return the rows of the layer that stay, out of {@code keep} (null: all) */
  private static int[] cutImage(CacheCut cut, int layer, Candidates candidates, Map<Integer, Map<Integer, float[]>> sums, int[] keep,
      KvCache cache,
      List<CutRecord> records) {
    long begin = System.nanoTime();
    float[] scores = cut.attention() == null ? null : scores(cut, layer, candidates, sums);
    int[] selected;
    try (PointerScope scope = new PointerScope()) {
      selected = cut.selector().select(candidates, scores == null ? null : Tensors.floats(scores, Tensors.CPU, scores.length));
    }
    long nanos = System.nanoTime() - begin;
    int first = candidates.firstRow();
    int end = first + candidates.count();
    int[] before = keep == null ? IntStream.range(0, cache.origins(layer).length).toArray() : keep;
    if (selected.length == candidates.count()) return keep;
    int[] kept = Arrays.stream(selected).map(i -> candidates.original()[i]).toArray();
    records.add(new CutRecord(cut.site(), new int[] {layer}, candidates.segment().image(), candidates.count(), kept, List.of(),
        CutRecord.margin(scores, selected), scores, nanos));
    int[] rows = Arrays.stream(selected).map(i -> first + i).toArray();
    return Arrays.stream(before).filter(row -> row < first || row >= end || Arrays.binarySearch(rows, row) >= 0).toArray();
  }

  /** What each candidate was paid, in the layer's own attention or on average over the layers that decide. */
  private static float[] scores(CacheCut cut, int layer, Candidates candidates, Map<Integer, Map<Integer, float[]>> sums) {
    List<Integer> layers = cut.attention().layers() == null ? List.of(layer) : cut.attention().layers();
    float[] scores = new float[candidates.count()];
    for (int decider : layers) {
      float[] image = sums.getOrDefault(decider, Map.of()).get(candidates.segment().image());
      for (int i = 0; image != null && i < scores.length; i++) scores[i] += image[candidates.original()[i]] / layers.size();
    }
    return scores;
  }

  private static List<CutRecord> together(List<CutRecord> perLayer) {
    List<CutRecord> merged = new ArrayList<>();
    for (CutRecord record : perLayer) {
      int at = IntStream.range(0, merged.size()).filter(i -> alike(merged.get(i), record)).findFirst().orElse(-1);
      if (at < 0) {
        merged.add(record);
        continue;
      }
      CutRecord first = merged.get(at);
      int[] layers = IntStream.concat(IntStream.of(first.layers()), IntStream.of(record.layers())).toArray();
      merged.set(at, new CutRecord(first.site(), layers, first.image(), first.before(), first.kept(), first.merged(), first.margin(),
          first.scores(),
          first.nanos() + record.nanos()));
    }
    return merged;
  }

  private static boolean alike(CutRecord a, CutRecord b) {
    return a.before() == b.before() && Arrays.equals(a.kept(), b.kept()) && Arrays.equals(a.scores(), b.scores());
  }
}
