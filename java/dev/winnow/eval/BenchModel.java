package dev.winnow.eval;

import static org.bytedeco.pytorch.global.torch.make_generator_cpu;

import dev.winnow.checkpoint.HeldWeights;
import dev.winnow.checkpoint.TextConfig;
import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.KvPool;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** An ordinary {@link Decoder} on the CPU whose weights are seeded noise of a trained model's size, so that activations stay finite. */
final class BenchModel implements AutoCloseable {
  /** Half the width of the uniform distribution with the standard deviation 0.02, with which Llama's matrices are initialised. */
  private static final double SPREAD = 0.02 * Math.sqrt(3);

  private final HeldWeights weights = new HeldWeights();
  private final KvPool pool = new KvPool(Tensors.CPU, Long.MAX_VALUE);
  private final Decoder decoder;
  private final Dtype dtype;

  BenchModel(TextConfig config, Dtype dtype, long seed) {
    this.dtype = dtype;
    try (PointerScope scope = new PointerScope()) {
      GeneratorOptional random = new GeneratorOptional(make_generator_cpu(seed));
      int queries = config.heads() * config.headDim();
      int keys = config.kvHeads() * config.headDim();
      noise(random, "embed_tokens", config.vocab(), config.hidden());
      noise(random, "lm_head", config.vocab(), config.hidden());
      ones("norm", config.hidden());
      for (int i = 0; i < config.layers(); i++) {
        String prefix = "layers." + i + ".";
        ones(prefix + "input_layernorm", config.hidden());
        ones(prefix + "post_attention_layernorm", config.hidden());
        noise(random, prefix + "self_attn.q_proj", queries, config.hidden());
        noise(random, prefix + "self_attn.k_proj", keys, config.hidden());
        noise(random, prefix + "self_attn.v_proj", keys, config.hidden());
        noise(random, prefix + "self_attn.o_proj", config.hidden(), queries);
        noise(random, prefix + "mlp.gate_proj", config.intermediate(), config.hidden());
        noise(random, prefix + "mlp.up_proj", config.intermediate(), config.hidden());
        noise(random, prefix + "mlp.down_proj", config.hidden(), config.intermediate());
      }
    }
    decoder = new Decoder(config, weights, dtype, Tensors.CPU, pool);
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
    return fill(new GeneratorOptional(make_generator_cpu(seed)), n, decoder.config().hidden());
  }

  Decoder decoder() { return decoder; }

  KvPool pool() { return pool; }

  private void noise(GeneratorOptional random, String name, long rows, long columns) {
    try (PointerScope scope = new PointerScope()) {
      put(name, fill(random, rows, columns));
    }
  }

  private Tensor fill(GeneratorOptional random, long rows, long columns) {
    return Tensors.uninitialised(dtype.torch, Tensors.CPU, rows, columns).uniform_(-SPREAD, SPREAD, random);
  }

  private void ones(String name, long width) {
    try (PointerScope scope = new PointerScope()) {
      Tensor tensor = Tensors.uninitialised(dtype.torch, Tensors.CPU, width);
      put(name, tensor.fill_(new Scalar(1.0)));
    }
  }

  private void put(String name, Tensor tensor) { weights.hold("decoder." + name + ".weight", tensor); }

  @Override public void close() {
    decoder.close();
    pool.close();
    weights.close();
  }
}
