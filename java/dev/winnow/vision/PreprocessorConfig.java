package dev.winnow.vision;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The settings of an image processor, checked, with the defaults of its class filled in. Sizes in pixels.
 *
 * @param layout what happens to the picture's shape
 * @param shortestEdge scale so that the shorter side gets this length; 0 where {@code height x width} is the exact size instead
 * @param height rows to scale to where {@code shortestEdge} is 0; both 0 for no scaling at all
 * @param width columns to scale to where {@code shortestEdge} is 0
 * @param cropHeight rows of the central part that is kept, 0 for no cropping
 * @param cropWidth columns of the central part that is kept, 0 for no cropping
 * @param factor what the bytes are multiplied with, 1 for no rescaling
 * @param mean per channel, subtracted after that
 * @param std per channel, divided by after that
 * @param canvases canvases for tiling, empty where the processor does not tile
 */
record PreprocessorConfig(Preprocessor.Layout layout, int shortestEdge, int height, int width, PillowResize.Filter filter,
    int cropHeight, int cropWidth, double factor, float[] mean, float[] std, List<TileGrid.Canvas> canvases) {
  private static final int MAX_SIDE = 8192;
  private static final double BYTE = 0.00392156862745098;
  private static final float[] CLIP_MEAN = {0.48145466f, 0.4578275f, 0.40821073f};
  private static final float[] CLIP_STD = {0.26862954f, 0.26130258f, 0.27577711f};
  private static final float[] HALF = {0.5f, 0.5f, 0.5f};
  private static final Set<String> CLIP_LIKE = Set.of("CLIP", "Llava", "VideoLlava");
  private static final Set<String> TILING = Set.of("LlavaNext", "LlavaNextVideo", "LlavaOnevision");

  /** CLIP's processor at a tower's size: shortest edge, central square, CLIP's mean and deviation. */
  static PreprocessorConfig clip(int side) {
    return new PreprocessorConfig(Preprocessor.Layout.PLAIN, side, 0, 0, PillowResize.Filter.BICUBIC, side, side, BYTE, CLIP_MEAN, CLIP_STD,
        List.of());
  }

  /** SigLIP's processor at a tower's size: exact size, no cropping, bytes to -1..1. */
  static PreprocessorConfig siglip(int side) {
    return new PreprocessorConfig(Preprocessor.Layout.PLAIN, 0, side, side, PillowResize.Filter.BICUBIC, 0, 0, BYTE, HALF, HALF, List.of());
  }

  PreprocessorConfig withCanvases(List<TileGrid.Canvas> other) {
    return new PreprocessorConfig(layout, shortestEdge, height, width, filter, cropHeight, cropWidth, factor, mean, std, other);
  }

  /**
   * Reads preprocessor_config.json, or the image_processor part of processor_config.json.
   *
   * @param source file name for messages
   */
  static PreprocessorConfig of(JsonNode json, String source) { return new Reader(json, source).read(); }

  private record Reader(JsonNode json, String source) {

    PreprocessorConfig read() {
      String kind = kind();
      boolean tiles = TILING.contains(kind);
      boolean square = kind.equals("Siglip") || kind.equals("LlavaOnevision");
      if (!tiles && !square && !CLIP_LIKE.contains(kind)) {
        throw wrong("image_processor_type", "\"" + kind + "\" is not supported; CLIP, SigLIP and LLaVA processors are");
      }
      PreprocessorConfig base = square ? siglip(kind.equals("Siglip") ? 224 : 384) : clip(224);
      Preprocessor.Layout layout = tiles ? Preprocessor.Layout.TILES
          : kind.equals("Llava") && flag("do_pad", false) ? Preprocessor.Layout.PADDED : Preprocessor.Layout.PLAIN;
      int edge = base.shortestEdge;
      int height = base.height;
      int width = base.width;
      JsonNode size = json.get("size");
      if (!flag("do_resize", true)) {
        edge = height = width = 0;
      } else if (present(size)) {
        edge = size.isObject() ? side(size, "shortest_edge", "size") : square ? 0 : side(json, "size", "");
        height = size.isObject() ? side(size, "height", "size") : square ? side(json, "size", "") : 0;
        width = size.isObject() ? side(size, "width", "size") : height;
        if (size.hasNonNull("longest_edge")) throw wrong("size.longest_edge", "is not supported; give shortest_edge alone");
        if (edge > 0 && (height > 0 || width > 0) || (height > 0) != (width > 0) || edge == 0 && height == 0) {
          throw wrong("size", "needs either shortest_edge or height and width");
        }
      }
      int cropHeight = 0;
      int cropWidth = 0;
      JsonNode crop = json.get("crop_size");
      if (flag("do_center_crop", !square)) {
        boolean object = present(crop) && crop.isObject();
        cropHeight = !present(crop) ? base.cropHeight : object ? side(crop, "height", "crop_size") : side(json, "crop_size", "");
        cropWidth = !present(crop) ? base.cropWidth : object ? side(crop, "width", "crop_size") : cropHeight;
        if (cropHeight == 0 || cropWidth == 0) throw wrong("crop_size", "needs height and width");
      }
      boolean normalise = flag("do_normalize", true);
      JsonNode resample = json.get("resample");
      if (present(resample) && !resample.isIntegralNumber()) throw wrong("resample", "is not a whole number");
      PillowResize.Filter filter = present(resample) ? PillowResize.Filter.of(resample.asInt()) : PillowResize.Filter.BICUBIC;
      return new PreprocessorConfig(layout, edge, height, width, filter, cropHeight, cropWidth,
          flag("do_rescale", true) ? factor() : 1, normalise ? channels("image_mean", base.mean) : new float[3],
          normalise ? channels("image_std", base.std) : new float[] {1, 1, 1}, tiles ? canvases() : List.of());
    }

    /** The processor's class name without the parts that do not change what it computes. */
    private String kind() {
      String type = json.path("image_processor_type").asText(json.path("feature_extractor_type").asText("CLIPImageProcessor"));
      return type.replaceFirst("(ImageProcessor|FeatureExtractor)(Fast|Pil)?$", "");
    }

    private boolean flag(String field, boolean fallback) {
      JsonNode value = json.get(field);
      if (!present(value)) return fallback;
      if (!value.isBoolean()) throw wrong(field, "is not true or false");
      return value.booleanValue();
    }

    private int side(JsonNode from, String field, String parent) {
      JsonNode value = from.get(field);
      if (!present(value)) return 0;
      if (!value.isIntegralNumber() || value.asLong() < 1 || value.asLong() > MAX_SIDE) {
        throw wrong(parent.isEmpty() ? field : parent + "." + field, "is not a whole number from 1 to " + MAX_SIDE);
      }
      return value.intValue();
    }

    private double factor() {
      JsonNode value = json.get("rescale_factor");
      if (!present(value)) return BYTE;
      double factor = value.isNumber() ? value.doubleValue() : 0;
      if (!(factor > 0) || Double.isInfinite(factor)) throw wrong("rescale_factor", "is not a number above 0");
      return factor;
    }

    private float[] channels(String field, float[] fallback) {
      JsonNode value = json.get(field);
      if (!present(value)) return fallback;
      boolean three = value.isArray() && value.size() == 3;
      float[] out = new float[3];
      for (int c = 0; three && c < 3; c++) {
        out[c] = value.get(c).floatValue();
        if (!value.get(c).isNumber() || !Float.isFinite(out[c]) || field.equals("image_std") && !(out[c] > 0)) three = false;
      }
      if (!three) throw wrong(field, "is not three numbers" + (field.equals("image_std") ? " above 0" : ""));
      return out;
    }

    private List<TileGrid.Canvas> canvases() {
      List<TileGrid.Canvas> list = new ArrayList<>();
      for (JsonNode pair : json.path("image_grid_pinpoints")) {
        if (!pair.isArray() || pair.size() != 2 || !pair.get(0).isIntegralNumber() || !pair.get(1).isIntegralNumber()) {
          throw wrong("image_grid_pinpoints", "is not a list of [height, width] pairs");
        }
        list.add(new TileGrid.Canvas(pair.get(0).intValue(), pair.get(1).intValue()));
      }
      if (list.isEmpty()) throw wrong("image_grid_pinpoints", "is missing or empty, but " + kind() + " cuts pictures into tiles");
      return list;
    }

    private static boolean present(JsonNode node) { return node != null && !node.isNull(); }

    private InvalidInputException wrong(String field, String what) {
      return new InvalidInputException(String.format(Locale.ROOT, "%s: %s %s", source, field, what));
    }
  }
}
