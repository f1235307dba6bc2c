package dev.winnow.eval;

import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Pictures as PNG. */
public final class Png {
  private Png() {}

  public static byte[] bytes(BufferedImage image) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      if (!ImageIO.write(image, "png", out)) throw new WinnowException("this Java writes no PNG; use a complete JDK or JRE");
    } catch (IOException e) {
      throw new WinnowException("a picture cannot be encoded: " + e.getMessage(), e);
    }
    return bytes.toByteArray();
  }

  /** Writes a picture, making its folder. Throws InvalidInputException if that cannot be done. */
  public static void write(BufferedImage image, Path file) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.write(file, bytes(image));
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be written (" + e.getMessage() + "); give another folder", e);
    }
  }
}
