package dev.winnow.prune;

import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.kernels.Kernels;
import dev.winnow.vision.VisionObserver;
import java.util.ArrayList;
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
    if (needs.projections().contains(block)) {
      keep(queries, block, query);
      keep(keys, block, key);
    }
    if (needs.classRows().contains(block)) {
      try (PointerScope scope = new PointerScope()) {
        keep(classRows, block, classAttention(query, key));
      }
    }
    if (needs.received().contains(block)) {
      try (PointerScope scope = new PointerScope()) {
        keep(received, block, attentionReceived(query, key));
      }
    }
    if (merge != null) merge.projections(block, query, key, value);
  }

  /** Column means of the attention over the patches, float32 [tiles, patches]; the map itself is never there as a whole. */
  private Tensor attentionReceived(Tensor query, Tensor key) {
    List<Tensor> tiles = new ArrayList<>();
    int tokens = (int) key.size(2);
    int first = classToken ? 1 : 0;
    for (int t = 0; t < key.size(0); t++) {
      Tensor q = query.select(0, t).transpose(0, 1);
      tiles.add(Kernels.attentionScores(q, key.select(0, t).transpose(0, 1), first, tokens - first));
    }
    return torch.stack(new TensorVector(tiles.toArray(new Tensor[0])), 0);
  }

  /** softmax(q_class . k / sqrt(width)) in float32, the class token's own column left out: [tiles, heads, patches]. */
  static Tensor classAttention(Tensor query, Tensor key) {
    double scale = 1 / Math.sqrt(key.size(3));
    Tensor own = query.narrow(2, 0, 1).to(ScalarType.Float).mul(new Scalar(scale));
    Tensor logits = torch.matmul(own, key.to(ScalarType.Float).transpose(2, 3)).squeeze(2);
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

  /** Hands over everything captured, which lives until this is closed. Call inside a PointerScope. */
  public VisionFacts facts(Tensor features) {
    VisionFacts facts = new VisionFacts(features);
    classRows.forEach(facts::withClassAttention);
    received.forEach(facts::withAttentionReceived);
    queries.forEach((block, query) -> facts.withProjections(block, query, keys.get(block)));
    if (needs.classState()) {
      List<Tensor> parts = new ArrayList<>();
      for (int layer : featureLayers) parts.add(classStates.get(layer));
      facts.withClassState(torch.cat(new TensorVector(parts.toArray(new Tensor[0])), -1));
    }
    return facts;
  }

  @Override public void close() {
    for (Map<Integer, Tensor> kept : List.of(classRows, queries, keys, received, classStates)) {
      kept.values().forEach(Tensor::releaseReference);
      kept.clear();
    }
    if (merge != null) merge.close();
  }
}
