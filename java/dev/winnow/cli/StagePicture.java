package dev.winnow.cli;

import dev.winnow.WinnowException;
import dev.winnow.prune.CutRecord;
import dev.winnow.vision.RgbImage;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;

/** A picture once per stage of pruning, side by side, removed patches dimmed. */
final class StagePicture {
  private static final int MARGIN = 12;
  private static final int CAPTION = 30;
  private static final int FONT_SCALE = 3;
  private static final int PAPER = 0xFAFAF7;
  private static final int INK = 0x222222;
  /** What a removed patch keeps of its own colour. */
  private static final double LEFT_OF_REMOVED = 0.14;
  private static final int REMOVED = 0x3A3F47;

  private StagePicture() {}

  /**
   * Writes a PNG.
   *
   * @param picture square, its patches lie on a square grid
   * @param patches number of patches, a square number; row by row from the top
   * @param cuts what the stages removed, in order
   */
  static void write(RgbImage picture, int patches, List<CutRecord> cuts, Path file) {
    int side = picture.width();
    BufferedImage image = new BufferedImage((cuts.size() + 1) * (side + MARGIN) + MARGIN, side + CAPTION + MARGIN, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < image.getHeight(); y++) for (int x = 0; x < image.getWidth(); x++) image.setRGB(x, y, PAPER);
    boolean[] all = new boolean[patches];
    Arrays.fill(all, true);
    panel(image, picture, all, MARGIN, "input: " + patches);
    for (int i = 0; i < cuts.size(); i++) {
      boolean[] kept = new boolean[patches];
      for (int patch : cuts.get(i).kept()) kept[patch] = true;
      panel(image, picture, kept, (i + 1) * (side + MARGIN) + MARGIN, cuts.get(i).site() + " - " + cuts.get(i).kept().length + "/" + patches);
    }
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      if (!ImageIO.write(image, "png", file.toFile())) throw new IOException("no PNG writer");
    } catch (IOException e) {
      throw new WinnowException("cannot write " + file + " (" + e.getMessage() + "); name another folder with --out", e);
    }
  }

  private static void panel(BufferedImage image, RgbImage picture, boolean[] kept, int left, String caption) {
    PixelFont.write(image, caption, left, (CAPTION - PixelFont.HEIGHT * FONT_SCALE) / 2, FONT_SCALE, INK);
    int grid = (int) Math.round(Math.sqrt(kept.length));
    for (int y = 0; y < picture.height(); y++) {
      for (int x = 0; x < picture.width(); x++) {
        boolean stays = kept[y * grid / picture.height() * grid + x * grid / picture.width()];
        int rgb = picture.channel(x, y, 0) << 16 | picture.channel(x, y, 1) << 8 | picture.channel(x, y, 2);
        image.setRGB(left + x, CAPTION + y, stays ? rgb : mixed(rgb));
      }
    }
  }

  private static int mixed(int rgb) {
    int out = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      double value = (rgb >> shift & 255) * LEFT_OF_REMOVED + (REMOVED >> shift & 255) * (1 - LEFT_OF_REMOVED);
      out |= (int) Math.round(value) << shift;
    }
    return out;
  }
}
