package dev.winnow.decoder;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.embedding;
import static org.bytedeco.pytorch.global.torch.linear;

import dev.winnow.InterruptedWorkException;
import dev.winnow.checkpoint.TextConfig;
import dev.winnow.checkpoint.Weights;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A Llama-style decoder over packed, ragged batches. Immutable but for the KV pool; shared by threads, each of which drives its own
 * {@link Sequence}s. The arithmetic is libtorch's; what is removed between layers is decided by each sequence's {@link LayerPruner}.
 */
public final class Decoder implements AutoCloseable {
  private final TextConfig config;
  private final Dtype dtype;
  private final Device device;
  private final KvPool pool;
  private final Rope rope;
  private final Tensor embeddings;
  private final LayerWeights[] layers;
  private final Tensor finalNorm;
  private final Tensor head;
  /** Converted copies that this decoder owns; weights used as they are belong to the checkpoint. */
  private final List<Tensor> owned = new ArrayList<>();

  public Decoder(TextConfig config, Weights weights, Dtype dtype, Device device, KvPool pool) {
    this.config = config;
    this.dtype = dtype;
    this.device = device;
    this.pool = pool;
    this.rope = new Rope(config.rope(), config.headDim(), device);
    this.embeddings = load(weights, "decoder.embed_tokens.weight");
    this.layers = new LayerWeights[config.layers()];
    for (int i = 0; i < layers.length; i++) layers[i] = layer(weights, "decoder.layers." + i + ".");
    this.finalNorm = load(weights, "decoder.norm.weight");
    this.head = config.tiedEmbeddings() ? embeddings : load(weights, "decoder.lm_head.weight");
  }

  private LayerWeights layer(Weights weights, String prefix) {
    return new LayerWeights(load(weights, prefix + "input_layernorm.weight"), load(weights, prefix + "post_attention_layernorm.weight"),
        projection(weights, prefix + "self_attn.q_proj"), projection(weights, prefix + "self_attn.k_proj"),
        projection(weights, prefix + "self_attn.v_proj"), projection(weights, prefix + "self_attn.o_proj"),
        projection(weights, prefix + "mlp.gate_proj"), projection(weights, prefix + "mlp.up_proj"),
        projection(weights, prefix + "mlp.down_proj"),
        config.rmsEps());
  }

  private LayerWeights.Projection projection(Weights weights, String name) {
    return new LayerWeights.Projection(load(weights, name + ".weight"), weights.has(name + ".bias") ? load(weights, name + ".bias") : null);
  }

  private Tensor load(Weights weights, String name) {
    Tensor stored = weights.get(name);
    if (Dtype.of(stored.scalar_type()) == dtype && device.is_cpu()) return stored;
    try (PointerScope scope = new PointerScope()) {
      Tensor copy = stored.to(device, dtype.torch);
      copy.retainReference();
      owned.add(copy);
      return copy;
    }
  }

  public TextConfig config() { return config; }

  public Device device() { return device; }

  public Dtype dtype() { return dtype; }

  public KvPool pool() { return pool; }

  public Sequence newSequence() { return new Sequence(new KvCache(pool, config, dtype)); }

  /** Embedding rows of token ids, [ids.length, hidden]; belongs to the caller's PointerScope. */
  public Tensor embed(int... ids) { return embedding(embeddings, Tensors.indices(ids, device)); }

  /** One sequence's part of a step: new rows [n, hidden], n >= 1. {@code generating} tells a decode step from a prompt. */
  public record Rows(Sequence sequence, Tensor hidden, boolean generating) {}

  /**
   * Runs new rows of some sequences through all layers and appends them to their caches.
   *
   * @return per sequence the logits of its last row, float32 [vocab]
   * @throws InterruptedWorkException between two layers, if the thread is interrupted; the sequences must then be rolled back
   */
  public float[][] step(List<Rows> batch, StepObserver observer) {
    try (PointerScope scope = new PointerScope(); PackedRows rows = pack(batch)) {
      for (int i = 0; i < layers.length; i++) {
        InterruptedWorkException.check();
        observer.entering(i, rows.hidden());
        try (PointerScope layerScope = new PointerScope()) {
          runLayer(i, batch, rows, observer);
        }
      }
      cutBehindLastLayer(batch, rows, observer);
      for (Rows part : batch) part.sequence().grow((int) part.hidden().size(0));
      Tensor normed = normed(rows.hidden());
      observer.finished(normed);
      Tensor last = normed.index_select(0, Tensors.indices(rows.lastRows(), device));
      float[] logits = Tensors.toFloats(linear(last, head));
      float[][] perSequence = new float[batch.size()][];
      for (int s = 0; s < perSequence.length; s++) {
        perSequence[s] = Arrays.copyOfRange(logits, s * config.vocab(), (s + 1) * config.vocab());
      }
      return perSequence;
    }
  }

  /** What a cut does here changes no row that is read, but methods whose stages were given for deeper models tell what they would keep. */
  private void cutBehindLastLayer(List<Rows> batch, PackedRows rows, StepObserver observer) {
    long begin = System.nanoTime();
    if (cut(layers.length, batch, rows, LayerPruner.Need.INPUT, null, null) != null) observer.cut(layers.length, System.nanoTime() - begin);
  }

  /** Logits of rows after the final norm, float32 [rows, vocab]; belongs to the caller's PointerScope. */
  public Tensor logits(Tensor normedRows) { return linear(normedRows, head).to(ScalarType.Float); }

  private Tensor normed(Tensor rows) { return LayerWeights.norm(rows, finalNorm, config.rmsEps()); }

  private PackedRows pack(List<Rows> batch) {
    Tensor[] parts = batch.stream().map(Rows::hidden).toArray(Tensor[]::new);
    int[] counts = batch.stream().mapToInt(part -> (int) part.hidden().size(0)).toArray();
    return new PackedRows(batch.stream().map(Rows::sequence).toList(), counts,
        parts.length == 1 ? parts[0] : cat(new TensorVector(parts), 0));
  }

  private void runLayer(int index, List<Rows> batch, PackedRows rows, StepObserver observer) {
    LayerWeights layer = layers[index];
    long begin = System.nanoTime();
    if (cut(index, batch, rows, LayerPruner.Need.INPUT, null, null) != null) observer.cut(index, System.nanoTime() - begin);
    Tensor normed = layer.normedInput(rows.hidden());
    Tensor q = split(layer.q().apply(normed), config.heads());
    Tensor k = split(layer.k().apply(normed), config.kvHeads());
    Tensor v = split(layer.v().apply(normed), config.kvHeads());
    int[] positions = rows.positions(index);
    Rope.Angles angles = rows.angles(rope, positions);
    Tensor rotatedQ = rope.rotate(q, angles);
    Tensor rotatedK = rope.rotate(k, angles);
    begin = System.nanoTime();
    RowCut[] cuts = cut(index, batch, rows, LayerPruner.Need.PROJECTIONS, rotatedQ, rotatedK);
    if (cuts != null) {
      Tensor[] kept = rows.keep(cuts, q, k, v);
      v = kept[2];
      positions = rows.positions(index);
      angles = rows.angles(rope, positions);
      rotatedQ = rope.rotate(kept[0], angles);
      rotatedK = rope.rotate(kept[1], angles);
      observer.cut(index, System.nanoTime() - begin);
    }
    Tensor[] attended = new Tensor[batch.size()];
    for (int s = 0; s < attended.length; s++) {
      attended[s] = attend(index, batch.get(s), s, rows, rows.of(s, positions), rows.of(s, rotatedQ), rows.of(s, rotatedK), rows.of(s, v));
    }
    rows.hidden(layer.finish(rows.hidden(), attended.length == 1 ? attended[0] : cat(new TensorVector(attended), 0)));
  }

  private Tensor attend(int index, Rows part, int s, PackedRows rows, int[] positions, Tensor q, Tensor k, Tensor v) {
    Sequence sequence = part.sequence();
    LayerCache cache = sequence.cache().layer(index);
    boolean first = cache.rows() == 0;
    cache.append(k, v, rows.origins(s), positions);
    rows.queries(s, sequence.pruner().keepsQueries(index, part.generating()) ? q : null);
    // a prompt attends to its own projections, which are contiguous; later rows need the cache
    Tensor keys = first ? k : cache.keys();
    if (sequence.pruner().watches(index, part.generating())) {
      sequence.pruner().attended(index, part.generating(), sequence.segments(), q, keys, cache.origins());
    }
    return Attention.run(q, keys, first ? v : cache.values(), cache.origins(), rows.hiddenKeys(s),
        rows.bias(s, rope).of(sequence, index, part.generating(), positions, cache));
  }

  /**
   * Asks the sequences that cut at this layer under this need, and applies what needs no projections.
   *
   * @return per sequence what stays, where the layer's projections must be cut as well; null where nobody cuts
   */
  private RowCut[] cut(int index, List<Rows> batch, PackedRows rows, LayerPruner.Need need, Tensor rotatedQ, Tensor rotatedK) {
    RowCut[] cuts = new RowCut[batch.size()];
    boolean any = false;
    for (int s = 0; s < cuts.length; s++) {
      Rows part = batch.get(s);
      LayerPruner pruner = part.sequence().pruner();
      if (pruner.need(index, part.generating()) != need) continue;
      RowCut cut = pruner.cut(view(index, part, s, rows, rotatedQ, rotatedK));
      cuts[s] = cut;
      any |= cut.keep() != null;
      if (cut.hidden() != null) rows.hide(s, cut.hidden());
    }
    if (!any) return null;
    if (need == LayerPruner.Need.INPUT) rows.keep(cuts);
    return cuts;
  }

  private CutView view(int index, Rows part, int s, PackedRows rows, Tensor rotatedQ, Tensor rotatedK) {
    Sequence sequence = part.sequence();
    int[] origins = rows.origins(s);
    Tensor hidden = rows.of(s, rows.hidden());
    if (rotatedQ != null) {
      LayerCache cache = sequence.cache().layer(index);
      Tensor keys = rows.of(s, rotatedK);
      if (cache.rows() > 0) keys = cat(new TensorVector(cache.keys(), keys), 0);
      return new CutView(index, part.generating(), sequence.segments(), origins, hidden, rows.of(s, rotatedQ), keys,
          concat(cache.origins(), origins), this::normed);
    }
    Tensor queries = rows.queries(s);
    LayerCache before = queries == null ? null : sequence.cache().layer(index - 1);
    return new CutView(index, part.generating(), sequence.segments(), origins, hidden, queries, before == null ? null : before.keys(),
        before == null ? null : before.origins(), this::normed);
  }

  private static int[] concat(int[] a, int[] b) {
    int[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  private Tensor split(Tensor rows, int heads) { return rows.view(-1, heads, config.headDim()); }

  @Override public void close() {
    rope.close();
    owned.forEach(Tensor::close);
    owned.clear();
  }
}
