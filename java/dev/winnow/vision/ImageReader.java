package dev.winnow.vision;

import dev.winnow.InsufficientMemoryException;
import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Reads PNG, JPEG and the first frame of GIF pictures into the bytes that Pillow's {@code Image.open(f).convert("RGB")} gives, which is
 * what the reference image processors work on: alpha is dropped without blending, grey is replicated, 16-bit grey is clamped at 255, other
 * 16-bit samples keep their high byte, CMYK goes through Pillow's formula, colour profiles are ignored. Other formats are refused by name.
 * Stateless and thread-safe.
 */
public final class ImageReader {
  /** Largest number of pixels of a picture (8192 x 8192), unless the system property {@value #MAX_PIXELS_PROPERTY} says otherwise. */
  public static final long MAX_PIXELS = 1L << 26;
  public static final String MAX_PIXELS_PROPERTY = "winnow.image.maxPixels";
  /** Longest side of a picture, in pixels. */
  public static final int MAX_SIDE = 65_535;
  /** Largest picture file, in bytes. */
  public static final int MAX_FILE_BYTES = 256 << 20;

  private ImageReader() {}

  /** What to do with the orientation that a camera noted in the picture. */
  public enum Orientation {
    /** Keep the pixels as they are stored, as Pillow and the reference processors do. */
    AS_STORED,
    /** Turn or mirror the pixels so that the picture stands upright (Pillow's {@code ImageOps.exif_transpose}). */
    UPRIGHT
  }

  /** The picture in a file, as stored. See {@link #read(byte[], String, Orientation)} for the errors. */
  public static RgbImage read(Path file) { return read(file, Orientation.AS_STORED); }

  /** The picture in a file. See {@link #read(byte[], String, Orientation)} for the errors. */
  public static RgbImage read(Path file, Orientation orientation) { return read(bytes(file), file.toString(), orientation); }

  /**
   * The picture in the bytes of a file.
   *
   * @param name what to call the picture in messages
   * @throws InvalidInputException naming the picture and the cause: no picture, unsupported format, damaged, cut off, or larger than the
   *     limits (checked from the header, before anything is decoded)
   * @throws InsufficientMemoryException if the heap cannot hold the pixels
   */
  public static RgbImage read(byte[] data, String name, Orientation orientation) {
    ImageHeader header = ImageHeader.of(data, name);
    checkSize(header, name);
    try {
      RgbImage image = switch (header.format()) {
        case "PNG" -> PngDecoder.decode(data, name);
        case "JPEG" -> JpegDecoder.decode(data, name);
        default -> GifDecoder.decode(data, name);
      };
      return orientation == Orientation.AS_STORED ? image : ExifOrientation.of(data, header.format()).apply(image);
    } catch (OutOfMemoryError e) {
      throw tooLittleHeap(header, name);
    }
  }

  /** The limit in force; three bytes a pixel must also fit one Java array. */
  static long maxPixels() { return Math.min(Long.getLong(MAX_PIXELS_PROPERTY, MAX_PIXELS), (Integer.MAX_VALUE - 8) / 3); }

  private static byte[] bytes(Path file) {
    if (Files.isDirectory(file)) throw new InvalidInputException(file + ": is a folder, not a picture; give the file itself");
    try (InputStream in = Files.newInputStream(file)) {
      byte[] data = in.readNBytes(MAX_FILE_BYTES + 1);
      if (data.length > MAX_FILE_BYTES) {
        throw new InvalidInputException(file + ": larger than " + (MAX_FILE_BYTES >> 20) + " MB, too much for a picture; scale it down");
      }
      return data;
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such picture file; check the path", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read (" + e.getClass().getSimpleName() + "); check its permissions", e);
    }
  }

  private static void checkSize(ImageHeader header, String name) {
    int w = header.width();
    int h = header.height();
    if (w < 1 || h < 1) throw ImageHeader.damaged(name, header.format(), "it claims " + w + "x" + h + " pixels");
    long limit = maxPixels();
    if (w > MAX_SIDE || h > MAX_SIDE) {
      throw new InvalidInputException(name + ": " + w + "x" + h + " pixels, a side above the limit of " + MAX_SIDE + "; scale it down");
    }
    if ((long) w * h > limit) {
      throw new InvalidInputException(name + ": " + w + "x" + h + " pixels, above the limit of " + limit
          + "; scale the picture down or raise -D" + MAX_PIXELS_PROPERTY);
    }
    if (heapNeeded(header) > Runtime.getRuntime().maxMemory()) throw tooLittleHeap(header, name);
  }

  /** Decoded pixels, twice for JPEG, whose decoder hands over its own copy (4 bytes a pixel for CMYK). */
  private static long heapNeeded(ImageHeader header) {
    return (long) header.width() * header.height() * (header.format().equals("JPEG") ? 7 : 3);
  }

  private static InsufficientMemoryException tooLittleHeap(ImageHeader header, String name) {
    long megabytes = (heapNeeded(header) >> 20) + 64;
    return new InsufficientMemoryException(name + ": decoding " + header.width() + "x" + header.height() + " pixels needs about "
        + megabytes + " MB of free Java heap; give the JVM a larger -Xmx or scale the picture down");
  }
}
