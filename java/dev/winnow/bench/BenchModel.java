package dev.winnow.bench;

import dev.winnow.checkpoint.TextConfig;
import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.KvPool;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import org.bytedeco.pytorch.Tensor;

/** An ordinary {@link Decoder} on the CPU with {@link BenchWeights}. */
final class BenchModel implements AutoCloseable {
  private final BenchWeights weights;
  private final KvPool pool = new KvPool(Tensors.CPU, Long.MAX_VALUE);
  private final Decoder decoder;
  private final Dtype dtype;

  BenchModel(TextConfig config, Dtype dtype, long seed) {
    this.dtype = dtype;
    weights = new BenchWeights(dtype, seed);
    int queries = config.heads() * config.headDim();
    int keys = config.kvHeads() * config.headDim();
    noise("embed_tokens", config.vocab(), config.hidden());
    noise("lm_head", config.vocab(), config.hidden());
    ones("norm", config.hidden());
    for (int i = 0; i < config.layers(); i++) {
      String prefix = "layers." + i + ".";
      ones(prefix + "input_layernorm", config.hidden());
      ones(prefix + "post_attention_layernorm", config.hidden());
      noise(prefix + "self_attn.q_proj", queries, config.hidden());
      noise(prefix + "self_attn.k_proj", keys, config.hidden());
      noise(prefix + "self_attn.v_proj", keys, config.hidden());
      noise(prefix + "self_attn.o_proj", config.hidden(), queries);
      noise(prefix + "mlp.gate_proj", config.intermediate(), config.hidden());
      noise(prefix + "mlp.up_proj", config.intermediate(), config.hidden());
      noise(prefix + "mlp.down_proj", config.hidden(), config.intermediate());
    }
    decoder = new Decoder(config, weights.held(), dtype, Tensors.CPU, pool);
  }

  /** Bytes of the weights of such a model. */
  static long weightBytes(TextConfig c, Dtype dtype) {
    long queries = (long) c.heads() * c.headDim();
    long keys = (long) c.kvHeads() * c.headDim();
    long layer = c.hidden() * (2 * queries + 2 * keys + 3L * c.intermediate() + 2);
    return dtype.bytes * (c.layers() * layer + 2L * c.vocab() * c.hidden() + c.hidden());
  }

  /** Seeded rows like embeddings, [n, hidden]; belongs to the caller's PointerScope. */
  Tensor rows(int n, long seed) {
    try (BenchWeights noise = new BenchWeights(dtype, seed)) {
      return noise.rows(n, decoder.config().hidden());
    }
  }

  Decoder decoder() { return decoder; }

  KvPool pool() { return pool; }

  private void noise(String name, long rows, long columns) { weights.noise("decoder." + name + ".weight", rows, columns); }

  private void ones(String name, long width) { weights.fill("decoder." + name + ".weight", 1, width); }

  @Override public void close() {
    decoder.close();
    pool.close();
    weights.close();
  }
}
