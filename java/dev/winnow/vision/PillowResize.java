package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import java.util.Arrays;

/**
 * Pillow's {@code Image.resize} for 8-bit RGB, bit for bit: two passes (rows, then columns), weights in 22-bit fixed point, each pass
 * rounded and clamped to eight bits (the algorithm of Pillow's {@code Resample.c}). Stateless and thread-safe.
 */
public final class PillowResize {
  private static final int PRECISION_BITS = 32 - 8 - 2;
  private static final int HALF = 1 << (PRECISION_BITS - 1);

  private PillowResize() {}

  /** Resampling filters by Pillow's names; {@link #id} is the number in a preprocessor's {@code resample}. */
  public enum Filter {
    LANCZOS(1, 3), BILINEAR(2, 1), BICUBIC(3, 2), BOX(4, 0.5), HAMMING(5, 1);

    final int id;
    final double support;

    Filter(int id, double support) {
      this.id = id;
      this.support = support;
    }

    /** The filter of a number in a preprocessor's json; refuses others, nearest neighbour (0) among them. */
    public static Filter of(int id) {
      for (Filter f : values()) if (f.id == id) return f;
      throw new InvalidInputException("resample " + id + " is not supported; use 1 lanczos, 2 bilinear, 3 bicubic, 4 box or 5 hamming");
    }

    double weight(double x) {
      double a = Math.abs(x);
      return switch (this) {
        case BOX -> x > -0.5 && x <= 0.5 ? 1 : 0;
        case BILINEAR -> a < 1 ? 1 - a : 0;
        case BICUBIC -> a < 1 ? ((-0.5 + 2) * a - (-0.5 + 3)) * a * a + 1 : a < 2 ? (((a - 5) * a + 8) * a - 4) * -0.5 : 0;
        case HAMMING -> a == 0 ? 1 : a >= 1 ? 0 : Math.sin(a * Math.PI) / (a * Math.PI) * (0.54 + 0.46 * Math.cos(a * Math.PI));
        case LANCZOS -> -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
      };
    }

    private static double sinc(double x) { return x == 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI); }
  }

  /** The picture scaled to width x height. The same picture comes back if it has that size already. */
  public static RgbImage resize(RgbImage image, int width, int height, Filter filter) {
    return resize(image, width, height, filter, 0, 0, width, height);
  }

  /**
   * A window of the picture scaled to width x height: equal to scaling and then cropping, at the cost of the window alone.
   *
   * @param left first column of the window in the scaled picture; the window must lie inside it
   * @param top first row of the window in the scaled picture
   * @param windowWidth columns of the result
   * @param windowHeight rows of the result
   */
  public static RgbImage resize(RgbImage image, int width, int height, Filter filter, int left, int top,
      int windowWidth, int windowHeight) {
    if (left < 0 || top < 0 || windowWidth < 1 || windowHeight < 1 || left > width - windowWidth || top > height - windowHeight) {
      throw new InvalidInputException("a window of " + windowWidth + "x" + windowHeight + " at " + left + "," + top
          + " leaves the scaled picture of " + width + "x" + height);
    }
    boolean sameWidth = width == image.width();
    boolean sameHeight = height == image.height();
    if (sameWidth && sameHeight && windowWidth == width && windowHeight == height) return image;
    Weights rows = new Weights(image.height(), height, filter, top, windowHeight);
    int firstRow = sameHeight ? top : rows.first[0];
    int lastRow = sameHeight ? top + windowHeight : rows.first[windowHeight - 1] + rows.count[windowHeight - 1];
    byte[] middle = sameWidth
        ? crop(image, left, firstRow, windowWidth, lastRow - firstRow)
        : scaleRows(image, firstRow, lastRow, new Weights(image.width(), width, filter, left, windowWidth));
    return new RgbImage(windowWidth, windowHeight, sameHeight ? middle : scaleColumns(middle, windowWidth, firstRow, rows));
  }

  private static byte[] crop(RgbImage image, int left, int top, int width, int height) {
    byte[] out = new byte[width * height * 3];
    for (int y = 0; y < height; y++) System.arraycopy(image.rgb(), ((top + y) * image.width() + left) * 3, out, y * width * 3, width * 3);
    return out;
  }

  private static byte[] scaleRows(RgbImage image, int firstRow, int lastRow, Weights w) {
    byte[] in = image.rgb();
    int[] fixed = w.fixed;
    int outWidth = w.first.length;
    byte[] out = new byte[outWidth * (lastRow - firstRow) * 3];
    for (int y = firstRow, o = 0; y < lastRow; y++) {
      int row = y * image.width() * 3;
      for (int x = 0; x < outWidth; x++, o += 3) {
        int r = HALF;
        int g = HALF;
        int b = HALF;
        int at = row + w.first[x] * 3;
        int k = x * w.stride;
        for (int end = k + w.count[x]; k < end; k++, at += 3) {
          int weight = fixed[k];
          r += (in[at] & 255) * weight;
          g += (in[at + 1] & 255) * weight;
          b += (in[at + 2] & 255) * weight;
        }
        out[o] = clamp(r);
        out[o + 1] = clamp(g);
        out[o + 2] = clamp(b);
      }
    }
    return out;
  }

  /** @param in rows of {@code width} pixels, the first of which is row {@code firstRow} of the picture */
  private static byte[] scaleColumns(byte[] in, int width, int firstRow, Weights w) {
    int outHeight = w.first.length;
    int rowBytes = width * 3;
    byte[] out = new byte[rowBytes * outHeight];
    int[] sums = new int[rowBytes];
    for (int y = 0; y < outHeight; y++) {
      Arrays.fill(sums, HALF);
      for (int i = 0; i < w.count[y]; i++) addRow(sums, in, (w.first[y] - firstRow + i) * rowBytes, w.fixed[y * w.stride + i]);
      for (int x = 0, o = y * rowBytes; x < rowBytes; x++) out[o + x] = clamp(sums[x]);
    }
    return out;
  }

  private static void addRow(int[] sums, byte[] in, int at, int weight) {
    for (int x = 0; x < sums.length; x++) sums[x] += (in[at + x] & 255) * weight;
  }

  private static byte clamp(int sum) {
    int v = sum >> PRECISION_BITS;
    return (byte) (v < 0 ? 0 : Math.min(v, 255));
  }

  /** For each output position of a window: the first input position, how many, and their fixed-point weights from {@code i * stride}. */
  private static final class Weights {
    final int[] first;
    final int[] count;
    final int[] fixed;
    final int stride;

    Weights(int inSize, int outSize, Filter filter, int from, int length) {
      double scale = (double) inSize / outSize;
      double filterScale = Math.max(scale, 1);
      double support = filter.support * filterScale;
      stride = (int) Math.ceil(support) * 2 + 1;
      first = new int[length];
      count = new int[length];
      fixed = new int[Math.multiplyExact(length, stride)];
      double[] weights = new double[stride];
      for (int i = 0; i < length; i++) {
        double centre = (from + i + 0.5) * scale;
        int min = Math.max(0, (int) (centre - support + 0.5));
        int n = Math.min(inSize, (int) (centre + support + 0.5)) - min;
        double sum = 0;
        for (int j = 0; j < n; j++) {
          weights[j] = filter.weight((j + min - centre + 0.5) * (1 / filterScale));
          sum += weights[j];
        }
        for (int j = 0; j < n; j++) {
          double v = (sum != 0 ? weights[j] / sum : weights[j]) * (1 << PRECISION_BITS);
          fixed[i * stride + j] = (int) (v < 0 ? v - 0.5 : v + 0.5);
        }
        first[i] = min;
        count[i] = n;
      }
    }
  }
}
