package dev.winnow.checkpoint;

import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * Named tensors of a model under canonical names, whatever layout they were stored in:
 * <pre>
 * decoder.embed_tokens.weight            [vocab, hidden]
 * decoder.layers.I.input_layernorm.weight, .post_attention_layernorm.weight
 * decoder.layers.I.self_attn.{q,k,v,o}_proj.weight (.bias for q/k/v of Qwen2)
 * decoder.layers.I.mlp.{gate,up,down}_proj.weight
 * decoder.norm.weight, decoder.lm_head.weight (absent where tied)
 * vision.embeddings.{class_embedding, patch_embedding.weight, patch_embedding.bias, position_embedding.weight}
 * vision.pre_layrnorm.{weight,bias}
 * vision.encoder.layers.I.{layer_norm1,layer_norm2,self_attn.{q,k,v,out}_proj,mlp.fc1,mlp.fc2}.{weight,bias}
 * projector.linear_1.{weight,bias}, projector.linear_2.{weight,bias}
 * video.*                                as vision.*: Video-LLaVA's second tower
 * image_newline                          [hidden], LLaVA-NeXT and OneVision
 * </pre>
 * Tensors belong to the implementation and live until it is closed; callers must not close them.
 */
public interface Weights extends AutoCloseable {
  /** The tensor, in its stored dtype. Throws InvalidInputException naming the tensor if there is none or its dtype is unsupported. */
  Tensor get(String name);

  boolean has(String name);

  Set<String> names();

  @Override void close();
}
