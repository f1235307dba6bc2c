package dev.winnow.cli;

import java.awt.image.BufferedImage;
import java.util.HashMap;
import java.util.Map;

/** Letters of 3 by 5 pixels for captions: a headless Java need not have any font. Knows what captions of stages are made of. */
final class PixelFont {
  static final int HEIGHT = 5;
  private static final int WIDTH = 3;
  private static final Map<Character, String> GLYPHS = new HashMap<>();

  static {
    String[] glyphs = {
        "0 ###|#.#|#.#|#.#|###", "1 .#.|##.|.#.|.#.|###", "2 ###|..#|###|#..|###", "3 ###|..#|.##|..#|###", "4 #.#|#.#|###|..#|..#",
        "5 ###|#..|###|..#|###", "6 ###|#..|###|#.#|###", "7 ###|..#|..#|.#.|.#.", "8 ###|#.#|###|#.#|###", "9 ###|#.#|###|..#|###",
        "a .#.|#.#|###|#.#|#.#", "c .##|#..|#..|#..|.##", "e ###|#..|##.|#..|###", "h #.#|#.#|###|#.#|#.#", "i ###|.#.|.#.|.#.|###",
        "j ..#|..#|..#|#.#|.#.", "l #..|#..|#..|#..|###", "n ##.|#.#|#.#|#.#|#.#", "o .#.|#.#|#.#|#.#|.#.", "p ##.|#.#|##.|#..|#..",
        "r ##.|#.#|##.|#.#|#.#", "s .##|#..|.#.|..#|##.", "t ###|.#.|.#.|.#.|.#.", "u #.#|#.#|#.#|#.#|###", "v #.#|#.#|#.#|#.#|.#.",
        "y #.#|#.#|.#.|.#.|.#.", "d ##.|#.#|#.#|#.#|##.", ": ...|.#.|...|.#.|...", "/ ..#|..#|.#.|#..|#..", "- ...|...|###|...|..."};
    for (String glyph : glyphs) GLYPHS.put(glyph.charAt(0), glyph.substring(2).replace("|", ""));
  }

  private PixelFont() {}

  /**
   * Writes text whose upper left corner is (x, y), each pixel of the font as a square of {@code scale} pixels; unknown characters are
   * blanks.
   */
  static void write(BufferedImage image, String text, int x, int y, int scale, int rgb) {
    for (int i = 0; i < text.length(); i++) {
      String glyph = GLYPHS.get(text.charAt(i));
      for (int p = 0; glyph != null && p < WIDTH * HEIGHT; p++) {
        if (glyph.charAt(p) != '#') continue;
        int left = x + (i * (WIDTH + 1) + p % WIDTH) * scale;
        int top = y + p / WIDTH * scale;
        for (int s = 0; s < scale * scale; s++) image.setRGB(left + s % scale, top + s / scale, rgb);
      }
    }
  }
}
