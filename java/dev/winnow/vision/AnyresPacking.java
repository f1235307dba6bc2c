package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.kernels.Tensors;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Which projected features become the visual tokens of one picture, and in which order. Without tiling: all of them. With tiling
 * (LLaVA-NeXT, LLaVA-OneVision; transformers' {@code pack_image_features}): those of the whole picture, then those of the tiles put
 * together to one map, without the rows or columns that show only padding, scaled down where the map exceeds the checkpoint's limit, with
 * an image_newline after each row. Pure arithmetic over indices, made once per picture; immutable.
 */
public final class AnyresPacking {
  /** Stands for the image_newline vector among the sources. */
  public static final int NEWLINE = -1;
  private static final double SCALE_DOWN_FROM = 1.1;

  private final int base;
  private final int height;
  private final int width;
  private final int taps;
  private final int[] sources;
  private final float[] weights;

  private AnyresPacking(int base, int height, int width, int taps, int[] sources, float[] weights) {
    this.base = base;
    this.height = height;
    this.width = width;
    this.taps = taps;
    this.sources = sources;
    this.weights = weights;
  }

  /** The packing of a prepared picture for a model. */
  public static AnyresPacking of(PixelBatch batch, ModelConfig model) {
    boolean newline = model.family().startsWith("llava_next") || model.family().equals("llava_onevision");
    int features = model.vision().patches() + (model.vision().hasClass() && model.vision().keepClass() ? 1 : 0);
    if (batch.grid() == null) return whole(features, newline);
    if (features != model.vision().patches()) {
      throw new InvalidInputException("vision_feature_select_strategy \"full\" keeps a class token in every tile, which cannot be laid out"
          + " as a map; set it to \"default\" in config.json");
    }
    return tiled(batch.grid(), batch.imageWidth(), batch.imageHeight(), model.vision().grid(), maxTiles(model.aspectRatio()));
  }

  /** N of "anyres_max_N"; 0, which is no limit, for other layouts. */
  private static int maxTiles(String aspect) {
    if (!aspect.startsWith("anyres_max_")) return 0;
    if (!aspect.matches("anyres_max_[1-9][0-9]{0,5}")) {
      throw new InvalidInputException("vision_aspect_ratio \"" + aspect + "\" is not anyres_max_ and a number; correct config.json");
    }
    return Integer.parseInt(aspect.substring("anyres_max_".length()));
  }

  /** One tile: its features in order, then one newline if the family has it. */
  static AnyresPacking whole(int features, boolean newline) {
    int[] sources = new int[features + (newline ? 1 : 0)];
    Arrays.setAll(sources, i -> i < features ? i : NEWLINE);
    return new AnyresPacking(features, 0, 0, 1, sources, null);
  }

  /**
   * A picture on tiles.
   *
   * @param imageWidth columns of the decoded picture, pixels
   * @param imageHeight rows of the decoded picture, pixels
   * @param side patches on one side of a tile
   * @param maxTiles tiles whose patches the map may have at most before it is scaled down ("anyres_max_N"); 0 for no limit
   */
  static AnyresPacking tiled(TileGrid grid, int imageWidth, int imageHeight, int side, int maxTiles) {
    int fullHeight = grid.rows() * side;
    int fullWidth = grid.columns() * side;
    int top = 0;
    int left = 0;
    if ((double) imageWidth / imageHeight > (double) fullWidth / fullHeight) {
      top = (fullHeight - whole7(imageHeight * ((double) fullWidth / imageWidth))) / 2;
    } else {
      left = (fullWidth - whole7(imageWidth * ((double) fullHeight / imageHeight))) / 2;
    }
    int height = fullHeight - 2 * top;
    int width = fullWidth - 2 * left;
    int outHeight = height;
    int outWidth = width;
    double ratio = maxTiles > 0 ? Math.sqrt((double) height * width / ((long) maxTiles * side * side)) : 0;
    if (ratio > SCALE_DOWN_FROM) {
      outHeight = floorDivide(height, ratio);
      outWidth = floorDivide(width, ratio);
      if (outHeight < 1 || outWidth < 1) {
        throw new InvalidInputException("a picture of " + imageWidth + "x" + imageHeight + " is too thin for its tiles; crop it");
      }
    }
    int base = side * side;
    int tokens = base + outHeight * (outWidth + 1);
    boolean scaled = ratio > SCALE_DOWN_FROM;
    int taps = scaled ? 4 : 1;
    int[] sources = new int[tokens * taps];
    float[] weights = scaled ? new float[tokens * taps] : null;
    Axis rows = new Axis(height, outHeight);
    Axis columns = new Axis(width, outWidth);
    for (int t = 0; t < tokens; t++) {
      int row = (t - base) / (outWidth + 1);
      int column = (t - base) % (outWidth + 1);
      for (int tap = 0; tap < taps; tap++) {
        int at = t * taps + tap;
        boolean inMap = t >= base && column < outWidth;
        if (inMap) {
          int y = top + rows.index(row, tap >> 1);
          int x = left + columns.index(column, tap & 1);
          int tile = 1 + y / side * grid.columns() + x / side;
          sources[at] = (tile * side + y % side) * side + x % side;
        } else {
          sources[at] = t < base ? t : NEWLINE;
        }
        if (scaled) weights[at] = inMap ? rows.weight(row, tap >> 1) * columns.weight(column, tap & 1) : tap == 0 ? 1 : 0;
      }
    }
    return new AnyresPacking(base, outHeight, outWidth, taps, sources, weights);
  }

  /** One axis of libtorch's bilinear interpolation without aligned corners, in float32 as there. */
  private record Axis(int in, int out) {
    private float source(int i) { return Math.max(0, (float) in / out * (i + 0.5f) - 0.5f); }

    int index(int i, int tap) {
      int first = in == out ? i : (int) source(i);
      return tap == 0 ? first : Math.min(first + 1, in - 1);
    }

    float weight(int i, int tap) {
      float second = in == out ? 0 : source(i) - (int) source(i);
      return tap == 0 ? 1 - second : second;
    }
  }

  /** Python's {@code int(round(x, 7))}. */
  private static int whole7(double x) { return new BigDecimal(x).setScale(7, RoundingMode.HALF_EVEN).intValue(); }

  /** Python's {@code a // b}, which is not {@code floor(a / b)} where that quotient rounds up to a whole number. */
  private static int floorDivide(double a, double b) {
    double quotient = (a - a % b) / b;
    double floor = Math.floor(quotient);
    return (int) (quotient - floor > 0.5 ? floor + 1 : floor);
  }

  /** Visual tokens of the picture. */
  public int tokens() { return sources.length / taps; }

  /** Tokens of the whole picture, before the map. */
  public int baseTokens() { return base; }

  /** Rows of the map; 0 without tiling. */
  public int mapHeight() { return height; }

  /** Columns of the map, the newline not counted; 0 without tiling. */
  public int mapWidth() { return width; }

  public boolean isNewline(int token) { return sources[token * taps] == NEWLINE; }

  /** Whether every token is one feature unchanged: false where the map is scaled down and tokens are mixtures. */
  public boolean isSelection() { return taps == 1; }

  /**
   * The features that a token is made of, as rows of the tiles' features one after the other: one, or four where the map is scaled down;
   * {@link #NEWLINE} for image_newline.
   */
  public int[] sources(int token) { return Arrays.copyOfRange(sources, token * taps, (token + 1) * taps); }

  /**
   * The visual tokens.
   *
   * @param features [tiles, features of a tile, hidden], after the projector
   * @param newline [hidden]; null where the family has none
   * @return [tokens, hidden] in the dtype of the features; the caller closes it
   */
  public Tensor apply(Tensor features, Tensor newline) {
    try (PointerScope scope = new PointerScope()) {
      long hidden = features.size(2);
      Tensor rows = features.reshape(features.size(0) * features.size(1), hidden);
      int newlineRow = Math.toIntExact(rows.size(0));
      Device device = features.device();
      ScalarType dtype = features.scalar_type();
      if (newline != null) rows = torch.cat(new TensorVector(rows, newline.to(device, dtype).reshape(1, hidden)), 0);
      Tensor result = null;
      for (int tap = 0; tap < taps; tap++) {
        Tensor picked = rows.index_select(0, Tensors.indices(tapRows(tap, newlineRow), device));
        if (taps > 1) {
          picked = picked.to(ScalarType.Float).mul_(Tensors.floats(tapWeights(tap), device, tokens(), 1));
        }
        result = result == null ? picked : result.add_(picked);
      }
      result = result.to(dtype);
      result.retainReference();
      return result;
    }
  }

  private int[] tapRows(int tap, int newlineRow) {
    int[] rows = new int[tokens()];
    Arrays.setAll(rows, t -> sources[t * taps + tap] == NEWLINE ? newlineRow : sources[t * taps + tap]);
    return rows;
  }

  private float[] tapWeights(int tap) {
    float[] column = new float[tokens()];
    for (int t = 0; t < column.length; t++) column[t] = weights[t * taps + tap];
    return column;
  }
}
