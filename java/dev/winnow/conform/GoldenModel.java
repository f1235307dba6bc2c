package dev.winnow.conform;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.HeldWeights;
import dev.winnow.checkpoint.RopeConfig;
import dev.winnow.checkpoint.TextConfig;
import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.KvPool;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;

/** The small language model of the golden files, built as an ordinary {@link Decoder} in float32 on the CPU. */
public final class GoldenModel implements AutoCloseable {
  private final HeldWeights weights = new HeldWeights();
  private final KvPool pool = new KvPool(Tensors.CPU, Long.MAX_VALUE);
  private final Decoder decoder;

  public GoldenModel(JsonNode model) { this(CaseNode.of(model)); }

  GoldenModel(CaseNode model) {
    TextConfig config = config(model);
    CaseNode hashed = model.get("weights");
    long offset = hashed.get("id_offset").asLong();
    double scale = hashed.get("scale").asDouble();
    add("embed_tokens", offset + 1, hashed.get("embed_scale").asDouble(), config.vocab(), config.hidden());
    add("lm_head", offset + 2, hashed.get("head_scale").asDouble(), config.vocab(), config.hidden());
    ones("norm", config.hidden());
    int queries = config.heads() * config.headDim();
    int keys = config.kvHeads() * config.headDim();
    for (int i = 0; i < config.layers(); i++) {
      String prefix = "layers." + i + ".";
      long id = offset + 100 + 10L * i;
      ones(prefix + "input_layernorm", config.hidden());
      ones(prefix + "post_attention_layernorm", config.hidden());
      add(prefix + "self_attn.q_proj", id, scale, queries, config.hidden());
      add(prefix + "self_attn.k_proj", id + 1, scale, keys, config.hidden());
      add(prefix + "self_attn.v_proj", id + 2, scale, keys, config.hidden());
      add(prefix + "self_attn.o_proj", id + 3, scale, config.hidden(), queries);
      add(prefix + "mlp.gate_proj", id + 4, scale, config.intermediate(), config.hidden());
      add(prefix + "mlp.up_proj", id + 5, scale, config.intermediate(), config.hidden());
      add(prefix + "mlp.down_proj", id + 6, scale, config.hidden(), config.intermediate());
    }
    decoder = new Decoder(config, weights, Dtype.FLOAT32, Tensors.CPU, pool);
  }

  private static TextConfig config(CaseNode model) {
    String architecture = model.path("arch").asText();
    if (!architecture.equals("llama")) throw new InvalidInputException("golden model of unknown architecture '" + architecture + "'");
    int hidden = model.get("hidden").asInt();
    int heads = model.get("heads").asInt();
    RopeConfig rope = RopeConfig.plain(model.get("rope_theta").asDouble());
    return new TextConfig(hidden, model.get("ffn").asInt(), model.get("layers").asInt(), heads, model.get("kv_heads").asInt(),
        hidden / heads, model.get("vocab").asInt(), model.get("rms_eps").asDouble(), rope, Integer.MAX_VALUE, false, false);
  }

  private void add(String name, long id, double scale, int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int k = 0; k < values.length; k++) values[k] = TensorSpec.hash32(id, k, scale);
    put(name, values, rows, columns);
  }

  private void ones(String name, int width) {
    float[] values = new float[width];
    Arrays.fill(values, 1);
    put(name, values, width);
  }

  private void put(String name, float[] values, long... shape) {
    try (PointerScope scope = new PointerScope()) {
      weights.hold("decoder." + name + ".weight", Tensors.floats(values, Tensors.CPU, shape));
    }
  }

  public Decoder decoder() { return decoder; }

  @Override public void close() {
    decoder.close();
    pool.close();
    weights.close();
  }
}
