package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;

/**
 * A CLIP folder as published on Hugging Face, opened for what a LLaVA checkpoint lacks: text tower, both projections and the vision tower's
 * post_layernorm. The vision tower itself is not looked at: the LLaVA checkpoint has its own.
 */
public final class ClipCheckpoint implements AutoCloseable {
  private final ClipConfig config;
  private final MappedWeights weights;
  private final ClipTokenizer tokenizer;

  private ClipCheckpoint(ClipConfig config, MappedWeights weights, ClipTokenizer tokenizer) {
    this.config = config;
    this.weights = weights;
    this.tokenizer = tokenizer;
  }

  /**
   * Opens a folder and checks everything that will be used of it; weights are mapped, not read.
   *
   * @throws InvalidInputException naming file, field or tensor for anything that is missing, damaged, inconsistent or not CLIP
   */
  public static ClipCheckpoint open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException(folder + " is not a folder: CLIP is a folder with config.json, weights and tokenizer.json, such as"
          + " openai/clip-vit-large-patch14-336");
    }
    ClipConfig config = ClipConfigReader.read(folder);
    TreeMap<String, TensorInfo> infos = new TreeMap<>();
    for (TensorInfo info : WeightFiles.list(folder)) if (isUsed(info.name())) infos.put(info.name(), info);
    WeightCheck.check(folder, config, infos);
    ClipTokenizer tokenizer = ClipTokenizer.open(folder, config.vocab());
    boolean done = false;
    try {
      ClipCheckpoint opened = new ClipCheckpoint(config, new MappedWeights(infos), tokenizer);
      done = true;
      return opened;
    } finally {
      if (!done) tokenizer.close();
    }
  }

  private static boolean isUsed(String name) {
    boolean tower = name.startsWith("text_model.") && !name.endsWith(".position_ids");
    return tower || name.startsWith("text_projection.") || name.startsWith("visual_projection.")
        || name.startsWith("vision_model.post_layernorm.");
  }

  public ClipConfig config() { return config; }

  /** Weights under their published names; they live until this is closed. */
  public Weights weights() { return weights; }

  public ClipTokenizer tokenizer() { return tokenizer; }

  /** Throws InvalidInputException if a weight file was changed since it was opened. */
  public void checkUnchanged() { weights.checkUnchanged(); }

  @Override public void close() {
    tokenizer.close();
    weights.close();
  }
}
