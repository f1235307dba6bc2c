package dev.winnow.prune;

import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.kernels.Kernels;
import dev.winnow.vision.VisionObserver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Keeps what a reducer asked for while the tower runs, and lets a merge inside the tower work. Made for one picture; closed when its rows
 * are decided.
 */
public final class VisionCapture implements VisionObserver, AutoCloseable {
  private final VisionNeeds needs;
  private final TowerMerge merge;
  private final List<Integer> featureLayers;
  private final boolean classToken;
  private final Map<Integer, Tensor> classRows = new HashMap<>();
  private final Map<Integer, Tensor> queries = new HashMap<>();
  private final Map<Integer, Tensor> keys = new HashMap<>();
  private final Map<Integer, Tensor> received = new HashMap<>();
  private final Map<Integer, Tensor> classStates = new HashMap<>();
  /** Per block that was looked at the tokens that it had, as {@link TowerMerge#patchNumbers}; none where all patches were there. */
  private final Map<Integer, int[][]> patchNumbers = new HashMap<>();

  /**
   * @param merge or null
   * @param vision the tower's shape
   */
  public VisionCapture(VisionNeeds needs, TowerMerge merge, VisionConfig vision) {
    this.needs = needs;
    this.merge = merge;
    this.featureLayers = vision.featureLayers();
    this.classToken = vision.hasClass();
  }

  @Override public int deepestBlock() { return Math.max(needs.deepestBlock(), merge == null ? -1 : merge.deepestBlock()); }

  @Override public Tensor afterEmbedding(Tensor hidden) {
    return keepClassState(0, merge == null ? hidden : merge.afterEmbedding(hidden));
  }

  @Override public void projections(int block, Tensor query, Tensor key, Tensor value) {
    if (merge != null) {
      merge.projections(block, query, key, value);
      if (needs.shows(block)) patchNumbers.put(block, merge.patchNumbers());
    }
    if (needs.projections().contains(block)) {
      keep(queries, block, query);
      keep(keys, block, key);
    }
    if (needs.classRows().contains(block)) {
      try (PointerScope scope = new PointerScope()) {
        keep(classRows, block, classAttention(query, key, attentionBias(block)));
      }
    }
    if (needs.received().contains(block)) {
      try (PointerScope scope = new PointerScope()) {
        keep(received, block, attentionReceived(query, key, attentionBias(block)));
      }
    }
  }

  /** Column means of the attention over the patches, float32 [tiles, patches]; the map is there as a whole only with a bias. */
  private Tensor attentionReceived(Tensor query, Tensor key, Tensor bias) {
    List<Tensor> tiles = new ArrayList<>();
    int tokens = (int) key.size(2);
    int first = classToken ? 1 : 0;
    for (int t = 0; t < key.size(0); t++) {
      Tensor q = query.select(0, t).transpose(0, 1);
      if (bias != null) {
        tiles.add(biasedColumns(query.select(0, t), key.select(0, t), bias.select(0, t)).narrow(0, first, tokens - first));
        continue;
      }
      tiles.add(Kernels.attentionScores(q, key.select(0, t).transpose(0, 1), first, tokens - first));
    }
    return torch.stack(new TensorVector(tiles.toArray(new Tensor[0])), 0);
  }

  private static Tensor biasedColumns(Tensor query, Tensor key, Tensor bias) {
    Tensor scaled = query.to(ScalarType.Float).mul(new Scalar(1 / Math.sqrt(key.size(2))));
    return torch.mean(torch.softmax(torch.matmul(scaled, key.to(ScalarType.Float).transpose(1, 2)).add(bias), -1), 0, 1);
  }

  /** softmax(q_class . k / sqrt(width) + bias of a merge) in float32, the class token's own column left out: [tiles, heads, patches]. */
  static Tensor classAttention(Tensor query, Tensor key, Tensor bias) {
    double scale = 1 / Math.sqrt(key.size(3));
    Tensor own = query.narrow(2, 0, 1).to(ScalarType.Float).mul(new Scalar(scale));
    Tensor logits = torch.matmul(own, key.to(ScalarType.Float).transpose(2, 3)).squeeze(2);
    if (bias != null) logits = logits.add(bias.squeeze(1));
    return torch.softmax(logits, -1).narrow(2, 1, key.size(2) - 1).contiguous();
  }

  @Override public Tensor attentionBias(int block) { return merge == null ? null : merge.attentionBias(block); }

  @Override public Tensor afterAttention(int block, Tensor hidden) { return merge == null ? hidden : merge.afterAttention(block, hidden); }

  @Override public Tensor afterBlock(int block, Tensor hidden) {
    return keepClassState(block + 1, merge == null ? hidden : merge.afterBlock(block, hidden));
  }

  private Tensor keepClassState(int state, Tensor hidden) {
    if (needs.classState() && featureLayers.contains(state)) {
      try (PointerScope scope = new PointerScope()) {
        keep(classStates, state, hidden.narrow(1, 0, 1).contiguous());
      }
    }
    return hidden;
  }

  private static void keep(Map<Integer, Tensor> where, int index, Tensor tensor) {
    tensor.retainReference();
    where.put(index, tensor);
  }

  /**
   * Hands over everything captured, which lives until this is closed. Where blocks merged more after they had been looked at, a token is
   * known by the one that it took the place of. Call inside a PointerScope.
   */
  public VisionFacts facts(Tensor features) {
    VisionFacts facts = new VisionFacts(features);
    classRows.forEach((block, rows) -> facts.withClassAttention(block, left(block, rows, 2, 0)));
    received.forEach((block, mean) -> facts.withAttentionReceived(block, left(block, mean, 1, 0)));
    int others = classToken ? 1 : 0;
    queries.forEach((block, query) -> facts.withProjections(block, left(block, query, 2, others), left(block, keys.get(block), 2, others)));
    if (merge != null) facts.withPatchNumbers(merge.patchNumbers());
    if (needs.classState()) {
      List<Tensor> parts = new ArrayList<>();
      for (int layer : featureLayers) parts.add(classStates.get(layer));
      facts.withClassState(torch.cat(new TensorVector(parts.toArray(new Tensor[0])), -1));
    }
    return facts;
  }

  /**
   * What is known of the tokens of a block, [tiles, ..., tokens, ...], for those that were left in the end.
   *
   * @param others what stands before the patches
   */
  private Tensor left(int block, Tensor known, int dim, int others) {
    int[][] end = merge == null ? null : merge.patchNumbers();
    if (end == null || known.size(dim) == others + end[0].length) return known;
    int[][] then = patchNumbers.get(block);
    int[][] at = new int[end.length][];
    for (int t = 0; t < at.length; t++) at[t] = then == null ? end[t] : places(then[t], end[t]);
    return torch.stack(new TensorVector(PerTile.of(known).keep(dim - 1, others, at).tiles().toArray(new Tensor[0])), 0);
  }

  private static int[] places(int[] then, int[] end) {
    Map<Integer, Integer> places = new HashMap<>();
    for (int i = 0; i < then.length; i++) places.put(then[i], i);
    return Arrays.stream(end).map(places::get).toArray();
  }

  @Override public void close() {
    for (Map<Integer, Tensor> kept : List.of(classRows, queries, keys, received, classStates)) {
      kept.values().forEach(Tensor::releaseReference);
      kept.clear();
    }
    if (merge != null) merge.close();
  }
}
