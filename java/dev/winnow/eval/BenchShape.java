package dev.winnow.eval;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.RopeConfig;
import dev.winnow.checkpoint.TextConfig;
import java.util.Arrays;
import java.util.List;

/** Decoder shapes of published models (their config.json), for benchmarks with random weights. */
public enum BenchShape {
  LLAVA_1_5_7B("llava-1.5-7b", 576, new TextConfig(4096, 11008, 32, 32, 32, 128, 32064, 1e-5, RopeConfig.plain(1e4), 4096, false, false)),
  LLAVA_1_5_13B("llava-1.5-13b", 576, new TextConfig(5120, 13824, 40, 40, 40, 128, 32064, 1e-5, RopeConfig.plain(1e4), 4096, false, false)),
  LLAVA_NEXT_7B("llava-next-7b", 2880, new TextConfig(4096, 11008, 32, 32, 32, 128, 32064, 1e-5, RopeConfig.plain(1e4), 4096, false, false)),
  LLAVA_NEXT_MISTRAL_7B("llava-next-mistral-7b", 2880,
      new TextConfig(4096, 14336, 32, 32, 8, 128, 32064, 1e-5, RopeConfig.plain(1e6), 32768, false, false)),
  TINY("tiny", 64, new TextConfig(128, 344, 8, 4, 2, 32, 512, 1e-5, RopeConfig.plain(1e4), 4096, false, false));

  private final String label;
  private final int imageTokens;
  private final TextConfig config;

  BenchShape(String label, int imageTokens, TextConfig config) {
    this.label = label;
    this.imageTokens = imageTokens;
    this.config = config;
  }

  public String label() { return label; }

  /** Tokens that one picture has in this model; the most it can have where the number varies. */
  public int imageTokens() { return imageTokens; }

  /** Decoder layers of the published model. */
  public int layers() { return config.layers(); }

  public static List<String> labels() { return Arrays.stream(values()).map(BenchShape::label).toList(); }

  public static BenchShape named(String label) {
    for (BenchShape shape : values()) if (shape.label.equals(label)) return shape;
    throw new InvalidInputException("unknown shape '" + label + "'; shapes are " + String.join(", ", labels()));
  }

  /** The decoder with its first {@code layers} layers only; all layers are alike, so the others add nothing but time. */
  TextConfig config(int layers) {
    return new TextConfig(config.hidden(), config.intermediate(), layers, config.heads(), config.kvHeads(), config.headDim(), config.vocab(),
        config.rmsEps(), config.rope(), config.maxPositions(), config.qkvBias(), config.tiedEmbeddings());
  }
}
