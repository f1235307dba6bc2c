package dev.winnow.vision;

import static dev.winnow.vision.Fixtures.DATA;
import static dev.winnow.vision.Fixtures.PARITY;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InsufficientMemoryException;
import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageReaderTest {
  private static final Path PICTURES = DATA.resolve("pictures");

  /** Every sample depth, colour type, interlacing, colour coding and orientation, against what Pillow 12.3 made of the same files. */
  @Test
  void decodesEveryVariantAsPillowDoes() {
    int compared = 0;
    for (JsonNode expected : Fixtures.json(PICTURES.resolve("expected.json"))) {
      Path file = PICTURES.resolve(expected.get("file").asText());
      if (expected.has("error")) {
        assertRefused("cut off", file);
        continue;
      }
      assertSame(expected, ImageReader.read(file), file);
      if (expected.has("upright")) assertSame(expected.get("upright"), ImageReader.read(file, ImageReader.Orientation.UPRIGHT), file);
      compared++;
    }
    assertEquals(69, compared);
  }

  @Test
  void decodesTheParityPicturesExactly() {
    for (JsonNode image : Fixtures.json(PARITY.resolve("goldens/preprocess/preprocess.json")).get("images")) {
      Path file = PARITY.resolve(image.get("file").asText());
      assertSame(image.get("decoded_rgb"), ImageReader.read(file), file);
      if (image.has("exif_upright")) {
        assertSame(image.get("exif_upright").get("decoded_rgb"), ImageReader.read(file, ImageReader.Orientation.UPRIGHT), file);
      }
    }
  }

  @Test
  void clampsDeepGreyAndTakesTheFirstFrameOfAnAnimation() {
    RgbImage grey = ImageReader.read(PICTURES.resolve("grey16_6x1.png"));
    int[] seen = new int[6];
    for (int x = 0; x < 6; x++) seen[x] = grey.channel(x, 0, 1);
    assertArrayEquals(new int[] {0, 100, 255, 255, 255, 255}, seen);
    RgbImage frame = ImageReader.read(PICTURES.resolve("gif2frames.gif"));
    for (int x = 0; x < frame.width(); x++) {
      assertEquals(255, frame.channel(x, 5, 0));
      assertEquals(0, frame.channel(x, 5, 1));
    }
  }

  @Test
  void refusesOtherFormatsByName() {
    refused("WebP", bytes("RIFF\0\0\0\0WEBPVP8 "));
    refused("BMP", bytes("BM\0\0\0\0"));
    refused("TIFF", bytes("II*\0\0\0\0\0"));
    refused("AVIF", bytes("\0\0\0 ftypavif\0\0"));
    refused("HEIF", bytes("\0\0\0 ftypheic\0\0"));
    refused("JPEG XL", bytes("\0\0\0\fJXL \r\n"));
    refused("SVG", bytes("<svg xmlns"));
    refused("no PNG, JPEG or GIF", bytes("just some text"));
    refused("empty", new byte[0]);
  }

  @Test
  void refusesBombsBeforeDecodingThem() throws IOException {
    byte[] png = Files.readAllBytes(PICTURES.resolve("rgb8n.png"));
    refused("above the limit", sized(png, 20_000, 20_000));
    refused("above the limit", sized(png, 65_535, 65_535));
    refused("side above the limit", sized(png, 1, 65_536));
    refused("side above the limit", sized(png, Integer.MAX_VALUE, 1));
    refused("claims 0x", sized(png, 0, 5));
    refused("claims -1x", sized(png, -1, 5));
    byte[] gif = Files.readAllBytes(PICTURES.resolve("gif1.gif"));
    for (int i = 6; i < 10; i++) gif[i] = -1;
    refused("above the limit", gif);
    // honest header, pixels missing: the memory for them is the limit's, not the file's
    refused("pixels end early", sized(png, 4_000, 4_000));
  }

  @Test
  void limitCanBeChangedByProperty() throws IOException {
    byte[] png = Files.readAllBytes(PICTURES.resolve("rgb8n.png"));
    System.setProperty(ImageReader.MAX_PIXELS_PROPERTY, "246");
    try {
      refused("above the limit of 246", png);
      System.setProperty(ImageReader.MAX_PIXELS_PROPERTY, "247");
      assertEquals(19, ImageReader.read(png, "p", ImageReader.Orientation.AS_STORED).width());
      System.setProperty(ImageReader.MAX_PIXELS_PROPERTY, Long.toString(Long.MAX_VALUE));
      byte[] huge = sized(png, 26_000, 26_000);
      InsufficientMemoryException e = assertThrows(InsufficientMemoryException.class,
          () -> ImageReader.read(huge, "p", ImageReader.Orientation.AS_STORED));
      assertTrue(e.getMessage().contains("-Xmx"), e.getMessage());
    } finally {
      System.clearProperty(ImageReader.MAX_PIXELS_PROPERTY);
    }
  }

  @Test
  void refusesMissingFilesAndFolders(@TempDir Path folder) {
    assertRefused("no such picture", folder.resolve("missing.png"));
    assertRefused("folder", folder);
  }

  /** A cut or altered file is refused with one line or decodes to a picture of the header's size; nothing else ever escapes. */
  @Test
  void survivesCutAndAlteredFiles() throws IOException {
    Random random = new Random(11);
    String[] names = {"rgb8i.png", "palette4n.png", "grey16n.png", "gif1.gif", "gifi.gif", "j420.jpg", "jprog.jpg", "jcmyk.jpg"};
    for (String name : names) {
      byte[] whole = Files.readAllBytes(PICTURES.resolve(name));
      for (int length = 0; length < whole.length; length += 1 + random.nextInt(9)) assertHandled(Arrays.copyOf(whole, length));
      for (int round = 0; round < 150; round++) {
        byte[] altered = whole.clone();
        for (int i = random.nextInt(4); i >= 0; i--) altered[random.nextInt(altered.length)] = (byte) random.nextInt(256);
        assertHandled(altered);
      }
    }
  }

  @Test
  void refusesEveryCutOfLosslessPixels() throws IOException {
    byte[] png = Files.readAllBytes(PICTURES.resolve("rgb8n.png"));
    for (int length = 33; length < png.length - 12 - 4; length += 3) refused("damaged PNG", Arrays.copyOf(png, length));
    byte[] gif = Files.readAllBytes(PICTURES.resolve("gif1.gif"));
    for (int length = 13; length < gif.length - 8; length += 7) refused("damaged GIF", Arrays.copyOf(gif, length));
  }

  /** Cameras write surplus bytes behind the last pixel; a stream that ends early or is altered inside is damage. */
  @Test
  void toleratesSurplusBytesInJpegButNoMissingPixels() throws IOException {
    byte[] whole = Files.readAllBytes(PICTURES.resolve("j420.jpg"));
    byte[] surplus = Arrays.copyOf(whole, whole.length + 3);
    surplus[whole.length - 2] = 0x12;
    surplus[whole.length - 1] = 0x34;
    surplus[whole.length] = 0x56;
    surplus[whole.length + 1] = -1;
    surplus[whole.length + 2] = (byte) 0xd9;
    String expected = Fixtures.crc(ImageReader.read(PICTURES.resolve("j420.jpg")));
    assertEquals(expected, Fixtures.crc(ImageReader.read(surplus, "surplus", ImageReader.Orientation.AS_STORED)));
    byte[] cut = Arrays.copyOf(whole, whole.length - 60);
    cut[cut.length - 2] = -1;
    cut[cut.length - 1] = (byte) 0xd9;
    refused("damaged JPEG", cut);
  }

  @Test
  void turnsAndNamesOnlyWhatExifSays() {
    assertEquals(1, ExifOrientation.ofTiff(new byte[0]).code());
    assertEquals(1, ExifOrientation.ofTiff(bytes("II*\0\u00ff\u00ff\u00ff\u007f\0\0\0\0\0\0\0\0")).code());
    assertEquals(1, ExifOrientation.ofTiff(bytes("MM\0*\0\0\0\b\0\1\1\u0012\0\3\0\0\0\1\0\t\0\0")).code());
    assertEquals(6, ExifOrientation.ofTiff(bytes("MM\0*\0\0\0\b\0\1\1\u0012\0\3\0\0\0\1\0\6\0\0")).code());
  }

  private static void assertSame(JsonNode expected, RgbImage image, Path file) {
    assertEquals(expected.get("width").asInt(), image.width(), () -> file.toString());
    assertEquals(expected.get("height").asInt(), image.height(), () -> file.toString());
    assertEquals(expected.get("crc32").asText(), Fixtures.crc(image), () -> file.toString());
  }

  private static void assertHandled(byte[] data) {
    try {
      ImageReader.read(data, "altered", ImageReader.Orientation.UPRIGHT);
    } catch (WinnowException e) {
      assertTrue(e.getMessage().startsWith("altered: ") && !e.getMessage().contains("\n"), e.getMessage());
    }
  }

  private static void assertRefused(String cause, Path file) {
    InvalidInputException e = assertThrows(InvalidInputException.class, () -> ImageReader.read(file), () -> file.toString());
    assertTrue(e.getMessage().contains(cause) && e.getMessage().contains(file.toString()), e.getMessage());
  }

  private static void refused(String cause, byte[] data) {
    InvalidInputException e = assertThrows(InvalidInputException.class,
        () -> ImageReader.read(data, "a.pic", ImageReader.Orientation.AS_STORED));
    assertTrue(e.getMessage().startsWith("a.pic: ") && e.getMessage().contains(cause), e.getMessage());
  }

  /** The PNG with another size in its header, checksum mended. */
  private static byte[] sized(byte[] png, int width, int height) {
    byte[] out = png.clone();
    ByteBuffer.wrap(out).putInt(16, width).putInt(20, height);
    CRC32 crc = new CRC32();
    crc.update(out, 12, 17);
    ByteBuffer.wrap(out).putInt(29, (int) crc.getValue());
    return out;
  }

  private static byte[] bytes(String latin1) { return latin1.getBytes(StandardCharsets.ISO_8859_1); }
}
