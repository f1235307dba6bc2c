package dev.winnow.bench;

import dev.winnow.InvalidInputException;
import dev.winnow.Suggestion;
import dev.winnow.checkpoint.ClipConfig;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.RopeConfig;
import dev.winnow.checkpoint.TextConfig;
import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.vision.AnyresPacking;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.Preprocessor;
import dev.winnow.vision.RgbImage;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Shapes of published models (their config.json), for benchmarks with random weights. */
public enum BenchShape {
  LLAVA_1_5_7B("llava-1.5-7b", 576, Family.LLAVA,
      new TextConfig(4096, 11008, 32, 32, 32, 128, 32064, 1e-5, RopeConfig.plain(1e4), 4096, false, false)),
  LLAVA_1_5_13B("llava-1.5-13b", 576, Family.LLAVA,
      new TextConfig(5120, 13824, 40, 40, 40, 128, 32064, 1e-5, RopeConfig.plain(1e4), 4096, false, false)),
  LLAVA_NEXT_7B("llava-next-7b", 2880, Family.LLAVA_NEXT,
      new TextConfig(4096, 11008, 32, 32, 32, 128, 32064, 1e-5, RopeConfig.plain(1e4), 4096, false, false)),
  LLAVA_NEXT_MISTRAL_7B("llava-next-mistral-7b", 2880, Family.LLAVA_NEXT,
      new TextConfig(4096, 14336, 32, 32, 8, 128, 32064, 1e-5, RopeConfig.plain(1e6), 32768, false, false)),
  TINY("tiny", 64, Family.TINY,
      new TextConfig(128, 344, 8, 4, 2, 32, 512, 1e-5, RopeConfig.plain(1e4), 4096, false, false));

  /** What the shapes share before the decoder: a tower, and whether pictures are cut into tiles. */
  private enum Family {
    LLAVA("llava", "", List.of(), Tower.CLIP_LARGE_336, Text.CLIP_LARGE_336),
    LLAVA_NEXT("llava_next", "anyres", List.of(List.of(336, 672), List.of(672, 336), List.of(672, 672), List.of(1008, 336),
        List.of(336, 1008)), Tower.CLIP_LARGE_336, Text.CLIP_LARGE_336),
    TINY("llava", "", List.of(), Tower.SMALL, Text.SMALL);

    private final String label;
    private final String aspectRatio;
    private final List<List<Integer>> gridPinpoints;
    private final VisionConfig tower;
    private final ClipConfig clip;

    Family(String label, String aspectRatio, List<List<Integer>> gridPinpoints, VisionConfig tower, ClipConfig clip) {
      this.label = label;
      this.aspectRatio = aspectRatio;
      this.gridPinpoints = gridPinpoints;
      this.tower = tower;
      this.clip = clip;
    }
  }

  private static final class Text {
    /** The text side of CLIP ViT-L/14 at 336 pixels. */
    static final ClipConfig CLIP_LARGE_336 = new ClipConfig(768, 3072, 12, 12, 77, 49408, 1e-5, "quick_gelu", 49407, 768, 1024, 1e-5);
    static final ClipConfig SMALL = new ClipConfig(48, 96, 2, 4, 77, 512, 1e-5, "quick_gelu", 511, 32, 64, 1e-5);
  }

  private static final class Tower {
    /** CLIP ViT-L/14 at 336 pixels, features of the last hidden state but one. */
    static final VisionConfig CLIP_LARGE_336 = new VisionConfig("clip", 1024, 4096, 24, 16, 336, 14, 1e-5, "quick_gelu", List.of(23),
        false);
    static final VisionConfig SMALL = new VisionConfig("clip", 64, 128, 4, 4, 112, 14, 1e-5, "quick_gelu", List.of(3), false);
  }

  /** Of the picture that a tower is shown. */
  private static final long SEED = 20250609;
  private static final int NO_SUCH_ID = -200;

  private final String label;
  private final int imageTokens;
  private final Family family;
  private final TextConfig config;

  BenchShape(String label, int imageTokens, Family family, TextConfig config) {
    this.label = label;
    this.imageTokens = imageTokens;
    this.family = family;
    this.config = config;
  }

  public String label() { return label; }

  /** Patches that one picture has in this model; the most it can have where the number varies. */
  public int imageTokens() { return imageTokens; }

  /** Decoder layers of the published model. */
  public int layers() { return config.layers(); }

  public static List<String> labels() { return Arrays.stream(values()).map(BenchShape::label).toList(); }

  public static BenchShape named(String label) {
    for (BenchShape shape : values()) if (shape.label.equals(label)) return shape;
    throw new InvalidInputException("unknown shape '" + label + "'" + Suggestion.of(label, labels())
        + "; shapes are " + String.join(", ", labels()));
  }

  /** The decoder with its first {@code layers} layers only; all layers are alike, so the others add nothing but time. */
  TextConfig config(int layers) {
    return new TextConfig(config.hidden(), config.intermediate(), layers, config.heads(), config.kvHeads(), config.headDim(),
        config.vocab(), config.rmsEps(), config.rope(), config.maxPositions(), config.qkvBias(), config.tiedEmbeddings());
  }

  /** The whole model, its decoder with the first {@code layers} layers only. No id of the vocabulary stands for a picture. */
  ModelConfig model(int layers) {
    return new ModelConfig(family.label, false, "bfloat16", config(layers), family.tower, "gelu", true, NO_SUCH_ID, -1, 0, List.of(),
        family.aspectRatio, family.gridPinpoints);
  }

  /** The CLIP that the tower comes from. */
  ClipConfig clip() { return family.clip; }

  /** Seeded noise, as the tower takes it: one tile, or with tiling the whole picture and two by two. */
  PixelBatch picture() {
    int side = family.tower.imageSize() * (family.gridPinpoints.isEmpty() ? 1 : 2);
    byte[] rgb = new byte[3 * side * side];
    new Random(SEED).nextBytes(rgb);
    return Preprocessor.standard(model(1)).prepare(new RgbImage(side, side, rgb));
  }

  /** Rows of the language model that {@link #picture} becomes when nothing is removed, newline rows included. */
  int pictureTokens() { return AnyresPacking.of(picture(), model(1)).tokens(); }
}
