package dev.winnow.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinePlotTest {
  private static final List<double[]> LOW = List.of(new double[] {0, 0});
  private static final List<double[]> HIGH = List.of(new double[] {10, 10});

  @TempDir Path folder;

  private BufferedImage drawn(LinePlot plot) throws IOException {
    Path file = folder.resolve("plot.png");
    plot.write(file);
    return ImageIO.read(file.toFile());
  }

  /** What stands around the upper right corner of the frame, where {@code HIGH} is, when the line of this number is there. */
  private int[] markOf(int number) throws IOException {
    LinePlot plot = new LinePlot("title", "x", "y");
    for (int line = 0; line < 25; line++) plot.line("name", line == number ? HIGH : LOW);
    return drawn(plot).getRGB(710 - 8, 46 - 8, 16, 16, null, 0, 16);
  }

  @Test void linesOfOneColourHaveDifferentMarks() throws IOException {
    int[][] marks = {markOf(0), markOf(12), markOf(24)};
    for (int a = 0; a < marks.length; a++) {
      int centre = marks[a][8 * 16 + 8];
      assertEquals(0xFF0072B2, centre, "the colour");
      for (int b = 0; b < a; b++) assertTrue(!Arrays.equals(marks[a], marks[b]), a + " and " + b);
    }
  }

  @Test void widensForLongNames() throws IOException {
    int narrow = drawn(new LinePlot("title", "x", "y").line("vtw", HIGH)).getWidth();
    int wide = drawn(new LinePlot("title", "x", "y").line("sparsevlm version=rank scale=9 bias=6 layers=2,6,15,19", HIGH)).getWidth();
    assertTrue(wide > narrow + 200, narrow + " " + wide);
  }

  @Test void drawsNothingAsAnEmptyFrame() throws IOException {
    BufferedImage empty = drawn(new LinePlot("title", "x", "y").line("gone", List.of(new double[] {Double.NaN, 1})));
    assertEquals(0xFFFFFFFF, empty.getRGB(300, 200));
  }
}
