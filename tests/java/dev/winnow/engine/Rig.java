package dev.winnow.engine;

import dev.winnow.checkpoint.ModelFolder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;

/**
 * A copy of a checkpoint that answers given ids whatever it is shown: its layers add nothing, so the last hidden state is the embedding of
 * the last token, and the output matrix maps each embedding of a chain of ids to the next one.
 */
public final class Rig {
  private static final int HIDDEN = 32;
  private static final int VOCABULARY = 648;

  private Rig() {}

  /** @param chain id of the prompt's last token, then the ids to answer, then 2 to end; all different */
  public static ModelFolder answering(Path parent, int... chain) throws IOException {
    return ModelFolder.copy("llava15-mha-56", parent).tensors(tensors -> rig(tensors, chain));
  }

  private static void rig(Map<String, ModelFolder.Stored> tensors, int[] chain) {
    Random random = new Random(3);
    float[] embeddings = new float[VOCABULARY * HIDDEN];
    for (int i = 0; i < embeddings.length; i++) embeddings[i] = (float) random.nextGaussian();
    float[] head = new float[VOCABULARY * HIDDEN];
    for (int i = 0; i + 1 < chain.length; i++) {
      float[] from = Arrays.copyOfRange(embeddings, chain[i] * HIDDEN, (chain[i] + 1) * HIDDEN);
      double norm = 0;
      for (float x : from) norm += x * x;
      for (int j = 0; j < HIDDEN; j++) head[chain[i + 1] * HIDDEN + j] = (float) (from[j] / Math.sqrt(norm));
    }
    float[] ones = new float[HIDDEN];
    Arrays.fill(ones, 1);
    tensors.replaceAll((name, stored) -> {
      if (name.startsWith("language_model") && (name.contains("o_proj") || name.contains("down_proj"))) {
        return stored(stored, new float[stored.bytes().length / 4]);
      }
      if (name.endsWith("embed_tokens.weight")) return stored(stored, embeddings);
      if (name.endsWith("lm_head.weight")) return stored(stored, head);
      if (name.equals("language_model.model.norm.weight")) return stored(stored, ones);
      return stored;
    });
  }

  private static ModelFolder.Stored stored(ModelFolder.Stored like, float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) bytes.putFloat(value);
    return new ModelFolder.Stored("F32", like.shape(), bytes.array());
  }
}
