package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Holds the stored tensors against what the config needs: every tensor that the engine will use is there, has the shape that
 * the config implies and an element type that can be computed with. Tensors that nothing uses may be anything.
 */
final class WeightCheck {
  private final Map<String, long[]> expected = new LinkedHashMap<>();

  /** What lacks a tensor that is not there. */
  private final String where;

  private WeightCheck(String where) { this.where = where; }

  static void check(ModelConfig config, TreeMap<String, TensorInfo> stored) {
    WeightCheck check = new WeightCheck("the checkpoint");
    check.expectDecoder(config.text());
    check.expectTower("vision.", config.vision());
    if (config.family().equals("video_llava")) check.expectTower("video.", config.vision());
    check.expectProjector(config);
    check.all(stored);
  }

  /** The same for what is used of a CLIP folder. */
  static void check(Path folder, ClipConfig config, TreeMap<String, TensorInfo> stored) {
    WeightCheck check = new WeightCheck(folder.toString());
    check.expect("text_model.embeddings.token_embedding.weight", config.vocab(), config.hidden());
    check.expect("text_model.embeddings.position_embedding.weight", config.positions(), config.hidden());
    check.expectBlocks("text_model.", config.layers(), config.hidden(), config.intermediate());
    check.expectBoth("text_model.final_layer_norm", config.hidden());
    check.expect("text_projection.weight", config.projection(), config.hidden());
    check.expectBoth("vision_model.post_layernorm", config.visionHidden());
    check.expect("visual_projection.weight", config.projection(), config.visionHidden());
    check.all(stored);
  }

  private void all(TreeMap<String, TensorInfo> stored) { expected.forEach((name, shape) -> checkOne(name, shape, stored)); }

  private void checkOne(String name, long[] shape, TreeMap<String, TensorInfo> stored) {
    TensorInfo info = stored.get(name);
    if (info == null) throw missing(name, stored);
    if (!info.usable()) {
      throw new InvalidInputException("tensor " + info.describe() + " has the unsupported dtype " + info.dtype()
          + "; supported are F32, F16 and BF16: use an unquantised checkpoint");
    }
    if (!Arrays.equals(info.shape(), shape)) {
      throw new InvalidInputException("tensor " + info.describe() + " does not fit config.json, which needs " + Arrays.toString(shape));
    }
  }

  private InvalidInputException missing(String name, TreeMap<String, TensorInfo> stored) {
    String stem = name.substring(0, name.lastIndexOf('.') + 1);
    for (TensorInfo near : stored.subMap(stem, stem + Character.MAX_VALUE).values()) {
      String leaf = near.name().substring(near.name().lastIndexOf('.') + 1);
      if (!stem.isEmpty() && !leaf.equals("weight") && !leaf.equals("bias")) {
        return new InvalidInputException("tensor " + near.describe() + " is packed with dtype " + near.dtype()
            + ": quantised weights are not supported; use the unquantised checkpoint");
      }
    }
    String remedy = name.equals("decoder.lm_head.weight")
        ? " (lm_head.weight; if it is meant to be the embedding matrix, text_config.tie_word_embeddings must be true)" : "";
    return new InvalidInputException(where + " lacks tensor " + name + remedy
        + ": the download is incomplete or config.json belongs to another model");
  }

  private void expectDecoder(TextConfig text) {
    long hidden = text.hidden();
    long queries = (long) text.heads() * text.headDim();
    long keys = (long) text.kvHeads() * text.headDim();
    expect("decoder.embed_tokens.weight", text.vocab(), hidden);
    for (int layer = 0; layer < text.layers(); layer++) {
      String prefix = "decoder.layers." + layer + ".";
      expect(prefix + "input_layernorm.weight", hidden);
      expect(prefix + "post_attention_layernorm.weight", hidden);
      expect(prefix + "self_attn.q_proj.weight", queries, hidden);
      expect(prefix + "self_attn.k_proj.weight", keys, hidden);
      expect(prefix + "self_attn.v_proj.weight", keys, hidden);
      expect(prefix + "self_attn.o_proj.weight", hidden, queries);
      if (text.qkvBias()) {
        expect(prefix + "self_attn.q_proj.bias", queries);
        expect(prefix + "self_attn.k_proj.bias", keys);
        expect(prefix + "self_attn.v_proj.bias", keys);
      }
      expect(prefix + "mlp.gate_proj.weight", text.intermediate(), hidden);
      expect(prefix + "mlp.up_proj.weight", text.intermediate(), hidden);
      expect(prefix + "mlp.down_proj.weight", hidden, text.intermediate());
    }
    expect("decoder.norm.weight", hidden);
    if (!text.tiedEmbeddings()) expect("decoder.lm_head.weight", text.vocab(), hidden);
  }

  /** Blocks above the deepest feature layer are never run, so they may be absent. */
  private void expectTower(String tower, VisionConfig vision) {
    long hidden = vision.hidden();
    expect(tower + "embeddings.patch_embedding.weight", hidden, 3, vision.patchSize(), vision.patchSize());
    expect(tower + "embeddings.position_embedding.weight", vision.patches() + (vision.hasClass() ? 1 : 0), hidden);
    if (vision.hasClass()) {
      expect(tower + "embeddings.class_embedding", hidden);
      expectBoth(tower + "pre_layrnorm", hidden);
    } else {
      expect(tower + "embeddings.patch_embedding.bias", hidden);
    }
    expectBlocks(tower, vision.blocksNeeded(), hidden, vision.intermediate());
  }

  private void expectBlocks(String tower, int blocks, long hidden, long intermediate) {
    for (int block = 0; block < blocks; block++) {
      String prefix = tower + "encoder.layers." + block + ".";
      expectBoth(prefix + "layer_norm1", hidden);
      expectBoth(prefix + "layer_norm2", hidden);
      for (String projection : new String[] {"q_proj", "k_proj", "v_proj", "out_proj"}) {
        expectBoth(prefix + "self_attn." + projection, hidden, hidden);
      }
      expectBoth(prefix + "mlp.fc1", intermediate, hidden);
      expectBoth(prefix + "mlp.fc2", hidden, intermediate);
    }
  }

  private void expectProjector(ModelConfig config) {
    long hidden = config.text().hidden();
    long features = (long) config.vision().hidden() * config.vision().featureLayers().size();
    expect("projector.linear_1.weight", hidden, features);
    expect("projector.linear_2.weight", hidden, hidden);
    if (config.projectorBias()) {
      expect("projector.linear_1.bias", hidden);
      expect("projector.linear_2.bias", hidden);
    }
    if (!config.gridPinpoints().isEmpty()) expect("image_newline", hidden);
  }

  /** A weight, and a bias of its first size. */
  private void expectBoth(String module, long... shape) {
    expect(module + ".weight", shape);
    expect(module + ".bias", shape[0]);
  }

  private void expect(String name, long... shape) { expected.put(name, shape); }
}
