package dev.winnow.cli;

import dev.winnow.eval.Png;
import dev.winnow.explain.PatchPicture;
import dev.winnow.prune.CutRecord;
import dev.winnow.vision.RgbImage;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;

/** A picture once per stage of pruning, side by side under captions, removed patches dimmed. */
final class StagePicture {
  private static final int MARGIN = 12;
  private static final int CAPTION = 30;
  private static final int FONT_SCALE = 3;
  private static final Color PAPER = new Color(0xFAFAF7);
  private static final int INK = 0x222222;

  private StagePicture() {}

  /**
   * Writes a PNG.
   *
   * @param picture square, its patches lie on a square grid
   * @param patches number of patches, a square number; row by row from the top
   * @param cuts what the stages removed, in order
   */
  static void write(RgbImage picture, int patches, List<CutRecord> cuts, Path file) {
    PatchPicture canvas = new PatchPicture(List.of(picture), null, (int) Math.round(Math.sqrt(patches)));
    BufferedImage plain = canvas.plain();
    int step = plain.getWidth() + MARGIN;
    BufferedImage image = new BufferedImage((cuts.size() + 1) * step + MARGIN, plain.getHeight() + CAPTION + MARGIN,
        BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setColor(PAPER);
    g.fillRect(0, 0, image.getWidth(), image.getHeight());
    g.drawImage(plain, MARGIN, CAPTION, null);
    caption(image, "input: " + patches, MARGIN);
    for (int i = 0; i < cuts.size(); i++) {
      BitSet kept = new BitSet();
      for (int patch : cuts.get(i).kept()) kept.set(patch);
      int left = (i + 1) * step + MARGIN;
      g.drawImage(canvas.dimmed(kept), left, CAPTION, null);
      caption(image, cuts.get(i).site() + " - " + cuts.get(i).kept().length + "/" + patches, left);
    }
    g.dispose();
    Png.write(image, file);
  }

  private static void caption(BufferedImage image, String text, int left) {
    PixelFont.write(image, text, left, (CAPTION - PixelFont.HEIGHT * FONT_SCALE) / 2, FONT_SCALE, INK);
  }
}
