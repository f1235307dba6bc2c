package dev.winnow.vision;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.VisionConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Turns a decoded picture into the numbers a tower was trained on: scale, pad or tile, crop, rescale, normalise, with the exact arithmetic
 * of transformers' Pillow-based processors (CLIP, LLaVA, LLaVA-NeXT, LLaVA-OneVision, SigLIP). Immutable and thread-safe.
 */
public final class Preprocessor {
  /** What happens to the picture's shape before scaling. */
  public enum Layout {
    /** Nothing: CLIP scales and crops, SigLIP stretches. Also right for video frames. */
    PLAIN,
    /** Padded to a square in the mean colour, the picture in the middle (original LLaVA's "pad"; several pictures of LLaVA-OneVision). */
    PADDED,
    /** The whole picture plus a grid of tiles (LLaVA-NeXT, LLaVA-OneVision). */
    TILES
  }

  private final PreprocessorConfig config;
  private final Layout layout;
  /** Value of each byte, by channel. */
  private final float[][] values = new float[3][256];

  private Preprocessor(PreprocessorConfig config, Layout layout) {
    this.config = config;
    this.layout = layout;
    for (int c = 0; c < 3; c++) {
      for (int v = 0; v < 256; v++) values[c][v] = ((float) (v * config.factor()) - config.mean()[c]) / config.std()[c];
    }
    int tile = tileSide();
    for (TileGrid.Canvas canvas : layout == Layout.TILES ? config.canvases() : List.<TileGrid.Canvas>of()) {
      if (canvas.height() < tile || canvas.width() < tile || canvas.height() % tile != 0 || canvas.width() % tile != 0) {
        throw new InvalidInputException("image_grid_pinpoints: " + canvas.height() + "x" + canvas.width() + " is no whole number of " + tile
            + "-pixel tiles; correct preprocessor_config.json");
      }
    }
  }

  /**
   * The processor of a checkpoint folder: the image_processor part of processor_config.json if there is one, else preprocessor_config.json.
   *
   * @throws InvalidInputException if neither file is there, or naming the file and the field that is wrong
   */
  public static Preprocessor load(Path folder) {
    Path nested = folder.resolve("processor_config.json");
    if (Files.isRegularFile(nested)) {
      JsonNode part = parse(nested).get("image_processor");
      if (part != null && part.isObject()) return of(part, nested.toString());
    }
    Path own = folder.resolve("preprocessor_config.json");
    if (!Files.isRegularFile(own)) {
      throw new InvalidInputException(folder + ": preprocessor_config.json, which says how pictures are prepared, is missing;"
          + " copy it from the checkpoint's source");
    }
    return of(parse(own), own.toString());
  }

  /**
   * The processor of a checkpoint in the layout that its config asks for ("pad", "anyres"), fit for its tower.
   *
   * @param folder holds processor_config.json or preprocessor_config.json
   * @throws InvalidInputException as {@link #load}, or if the pictures it makes are not those that the tower takes
   */
  public static Preprocessor load(Path folder, ModelConfig model) {
    Preprocessor preprocessor = load(folder).laidOut(model);
    int side = model.vision().imageSize();
    PreprocessorConfig c = preprocessor.config;
    int height = c.cropHeight() > 0 ? c.cropHeight() : c.height();
    int width = c.cropHeight() > 0 ? c.cropWidth() : c.width();
    if (height != side || width != side) {
      throw new InvalidInputException(folder + ": the image processor makes pictures of " + width + "x" + height + " pixels, but the vision"
          + " tower takes " + side + "x" + side + "; correct size and crop_size in preprocessor_config.json");
    }
    return preprocessor;
  }

  /** In the layout that a config asks for. */
  private Preprocessor laidOut(ModelConfig model) {
    if (model.aspectRatio().equals("pad")) return with(Layout.PADDED);
    if (!model.aspectRatio().startsWith("anyres") || layout == Layout.TILES) return this;
    List<TileGrid.Canvas> canvases = model.gridPinpoints().stream().map(hw -> new TileGrid.Canvas(hw.get(0), hw.get(1))).toList();
    return new Preprocessor(config.withCanvases(canvases), Layout.PLAIN).with(Layout.TILES);
  }

  /** The standard processor of a model's tower, in the layout that its config asks for: for random weights. */
  public static Preprocessor standard(ModelConfig model) { return standard(model.vision()).laidOut(model); }

  /** The processor that a tower of this kind and size is published with: for checkpoints without one, and random weights. */
  public static Preprocessor standard(VisionConfig tower) {
    int side = tower.imageSize();
    PreprocessorConfig config = tower.hasClass() ? PreprocessorConfig.clip(side) : PreprocessorConfig.siglip(side);
    return new Preprocessor(config, config.layout());
  }

  static Preprocessor of(JsonNode json, String source) {
    PreprocessorConfig config = PreprocessorConfig.of(json, source);
    return new Preprocessor(config, config.layout());
  }

  /** The same processor with another layout; {@link Layout#TILES} only where the checkpoint lists canvases. */
  public Preprocessor with(Layout other) {
    if (other == Layout.TILES && config.canvases().isEmpty()) {
      throw new InvalidInputException("this checkpoint's image processor lists no tile grids (image_grid_pinpoints); use another layout");
    }
    return new Preprocessor(config, other);
  }

  public Layout layout() { return layout; }

  /** The picture as the tower takes it. */
  public PixelBatch prepare(RgbImage image) {
    TileGrid grid = layout == Layout.TILES ? TileGrid.of(image.width(), image.height(), config.canvases(), tileSide()) : null;
    return batch(tiles(image, grid), image.width(), image.height(), grid);
  }

  /**
   * Frames of a video as the tower takes them, one tile each.
   *
   * @param scaled frames that {@link #tiles} has brought to the tower's size
   * @param imageWidth columns of a frame before that, pixels
   * @param imageHeight rows of a frame before that, pixels
   */
  public PixelBatch frames(List<RgbImage> scaled, int imageWidth, int imageHeight) { return batch(scaled, imageWidth, imageHeight, null); }

  private PixelBatch batch(List<RgbImage> tiles, int imageWidth, int imageHeight, TileGrid grid) {
    int height = tiles.get(0).height();
    int width = tiles.get(0).width();
    float[] pixels = new float[Math.multiplyExact(tiles.size() * 3, height * width)];
    for (int t = 0; t < tiles.size(); t++) normalise(tiles.get(t).rgb(), pixels, t * 3 * height * width, height * width);
    return new PixelBatch(pixels, tiles.size(), height, width, imageWidth, imageHeight, grid);
  }

  /** The tiles as bytes, before they become numbers: what the tower sees of the picture. */
  public List<RgbImage> tiles(RgbImage image) {
    return tiles(image, layout == Layout.TILES ? TileGrid.of(image.width(), image.height(), config.canvases(), tileSide()) : null);
  }

  private List<RgbImage> tiles(RgbImage image, TileGrid grid) {
    if (grid == null) return List.of(scaleAndCrop(layout == Layout.PADDED ? padToSquare(image) : image));
    int baseHeight = config.shortestEdge() > 0 ? config.shortestEdge() : config.height();
    int baseWidth = config.shortestEdge() > 0 ? config.shortestEdge() : config.width();
    List<RgbImage> tiles = new ArrayList<>();
    tiles.add(scaleAndCrop(PillowResize.resize(image, baseWidth, baseHeight, config.filter())));
    RgbImage resized = PillowResize.resize(image, grid.resizedWidth(), grid.resizedHeight(), config.filter());
    for (int row = 0; row < grid.rows(); row++) {
      for (int column = 0; column < grid.columns(); column++) {
        int left = column * grid.tile() - grid.left();
        int top = row * grid.tile() - grid.top();
        tiles.add(scaleAndCrop(cut(resized, left, top, grid.tile(), grid.tile())));
      }
    }
    return tiles;
  }

  private int tileSide() {
    if (config.cropHeight() > 0) return config.cropHeight();
    return config.shortestEdge() > 0 ? config.shortestEdge() : config.height();
  }

  /** Only the part that cropping leaves is computed, so a thin strip of a picture costs no more than a square one. */
  private RgbImage scaleAndCrop(RgbImage image) {
    int width = config.width() > 0 ? config.width() : image.width();
    int height = config.height() > 0 ? config.height() : image.height();
    int edge = config.shortestEdge();
    if (edge > 0) {
      int shorter = Math.min(image.width(), image.height());
      int longer = (int) ((double) ((long) edge * Math.max(image.width(), image.height())) / shorter);
      width = image.width() <= image.height() ? edge : longer;
      height = image.width() <= image.height() ? longer : edge;
    }
    if (config.cropHeight() == 0) return PillowResize.resize(image, width, height, config.filter());
    int left = Math.floorDiv(width - config.cropWidth(), 2);
    int top = Math.floorDiv(height - config.cropHeight(), 2);
    int w = Math.min(config.cropWidth(), width);
    int h = Math.min(config.cropHeight(), height);
    RgbImage window = PillowResize.resize(image, width, height, config.filter(), Math.max(0, left), Math.max(0, top), w, h);
    return cut(window, Math.min(0, left), Math.min(0, top), config.cropWidth(), config.cropHeight());
  }

  /** A rectangle of the picture, black where it reaches beyond. */
  private static RgbImage cut(RgbImage image, int left, int top, int width, int height) {
    if (left == 0 && top == 0 && width == image.width() && height == image.height()) return image;
    byte[] out = new byte[width * height * 3];
    int from = Math.max(0, left);
    int columns = Math.min(image.width(), left + width) - from;
    for (int y = Math.max(0, top); y < Math.min(image.height(), top + height) && columns > 0; y++) {
      System.arraycopy(image.rgb(), (y * image.width() + from) * 3, out, ((y - top) * width + from - left) * 3, columns * 3);
    }
    return new RgbImage(width, height, out);
  }

  private RgbImage padToSquare(RgbImage image) {
    int side = Math.max(image.width(), image.height());
    if (image.width() == image.height()) return image;
    if ((long) side * side > ImageReader.maxPixels()) {
      throw new InvalidInputException("a picture of " + image.width() + "x" + image.height() + " padded to a square has more than "
          + ImageReader.maxPixels() + " pixels; crop it or scale it down");
    }
    byte[] colour = new byte[3];
    for (int c = 0; c < 3; c++) colour[c] = (byte) (int) (config.mean()[c] * 255.0);
    byte[] out = new byte[side * side * 3];
    for (int i = 0; i < out.length; i++) out[i] = colour[i % 3];
    int left = (side - image.width()) / 2;
    int top = (side - image.height()) / 2;
    for (int y = 0; y < image.height(); y++) {
      System.arraycopy(image.rgb(), y * image.width() * 3, out, ((top + y) * side + left) * 3, image.width() * 3);
    }
    return new RgbImage(side, side, out);
  }

  private void normalise(byte[] rgb, float[] out, int at, int area) {
    for (int i = 0; i < area; i++) {
      for (int c = 0; c < 3; c++) out[at + c * area + i] = values[c][rgb[i * 3 + c] & 255];
    }
  }

  private static JsonNode parse(Path file) {
    try {
      JsonNode json = new ObjectMapper().readTree(file.toFile());
      if (!json.isObject()) throw new InvalidInputException(file + ": is no json object; copy the file from the checkpoint's source");
      return json;
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(file + ": is not valid json; copy the file from the checkpoint's source", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read (" + e.getClass().getSimpleName() + "); check its permissions", e);
    }
  }
}
