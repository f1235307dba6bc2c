package dev.winnow.vision;

import dev.winnow.InvalidInputException;

/**
 * A decoded picture, eight bits a channel.
 *
 * @param width pixels in a row
 * @param height rows
 * @param rgb {@code height * width * 3} bytes, row by row from the top, red green blue interleaved, each an unsigned byte; not copied
 */
public record RgbImage(int width, int height, byte[] rgb) {
  public RgbImage {
    String size = "a picture of " + width + "x" + height + " pixels";
    if (width < 1 || height < 1) throw new InvalidInputException(size + " has no content; give both sides at least 1");
    long needed = 3L * width * height;
    if (rgb.length != needed) throw new InvalidInputException(size + " needs " + needed + " bytes of RGB, not " + rgb.length);
  }

  /** One channel (0 red, 1 green, 2 blue) of one pixel, 0..255. */
  public int channel(int x, int y, int c) { return rgb[(y * width + x) * 3 + c] & 255; }
}
