package dev.winnow.cli;

import dev.winnow.WinnowException;
import dev.winnow.vision.ImageReader;
import dev.winnow.vision.RgbImage;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/** The drawn pictures that ship inside the jar. */
final class DemoPictures {
  private static final String RESOURCES = "/dev/winnow/demo/pictures/";
  private static final List<String> FILES = List.of("1.png", "2.png", "3.png");

  private DemoPictures() {}

  static List<RgbImage> all() { return FILES.stream().map(DemoPictures::picture).toList(); }

  private static RgbImage picture(String name) {
    try (InputStream in = BundledModel.resource(RESOURCES + name)) {
      return ImageReader.read(in.readAllBytes(), name, ImageReader.Orientation.AS_STORED);
    } catch (IOException e) {
      throw new WinnowException("the picture " + name + " cannot be read from the jar (" + e.getMessage() + "); build it again", e);
    }
  }
}
