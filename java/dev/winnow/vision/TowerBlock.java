package dev.winnow.vision;

import org.bytedeco.pytorch.Tensor;

/** One block of a tower, of pictures or of text: x + attention(norm(x)), then x + MLP(norm(x)). */
final class TowerBlock {
  private final int heads;
  private final Activation activation;
  private final LayerNorm norm1;
  private final LayerNorm norm2;
  private final Linear query;
  private final Linear key;
  private final Linear value;
  private final Linear output;
  private final Linear fc1;
  private final Linear fc2;

  /** @param name what the names of the block's tensors begin with */
  TowerBlock(ComputeWeights weights, String name, BlockShape shape) {
    int width = shape.width();
    heads = shape.heads();
    activation = Activation.of(shape.activation());
    norm1 = weights.layerNorm(name + "layer_norm1", width, shape.layerNormEps());
    norm2 = weights.layerNorm(name + "layer_norm2", width, shape.layerNormEps());
    query = weights.linear(name + "self_attn.q_proj", width, width, true);
    key = weights.linear(name + "self_attn.k_proj", width, width, true);
    value = weights.linear(name + "self_attn.v_proj", width, width, true);
    output = weights.linear(name + "self_attn.out_proj", width, width, true);
    fc1 = weights.linear(name + "mlp.fc1", shape.intermediate(), width, true);
    fc2 = weights.linear(name + "mlp.fc2", width, shape.intermediate(), true);
  }

  /** Queries, keys and values, each [tiles, heads, tokens, head width]. */
  record Projections(Tensor query, Tensor key, Tensor value) {}

  /** @param hidden [tiles, tokens, hidden] */
  Projections project(Tensor hidden) {
    Tensor x = norm1.apply(hidden);
    return new Projections(split(query.apply(x)), split(key.apply(x)), split(value.apply(x)));
  }

  private Tensor split(Tensor x) { return x.reshape(x.size(0), x.size(1), heads, x.size(2) / heads).transpose(1, 2); }

  /**
   * Hidden states plus attention.
   *
   * @param mask broadcast to [tiles, heads, tokens, tokens], as {@link ScaledDotProduct} takes it: bool, or added to the logits; or null
   */
  Tensor attend(Tensor hidden, Projections p, Tensor mask) {
    Tensor mixed = ScaledDotProduct.attend(p.query, p.key, p.value, mask, false, false);
    return output.apply(mixed.transpose(1, 2).reshape(hidden.size(0), hidden.size(1), hidden.size(2))).add_(hidden);
  }

  /** Hidden states plus MLP. */
  Tensor transform(Tensor hidden) { return fc2.apply(activation.apply(fc1.apply(norm2.apply(hidden)))).add_(hidden); }
}
