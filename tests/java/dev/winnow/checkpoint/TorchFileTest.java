package dev.winnow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The pickles here are written instruction by instruction: \u0080\u0002 is protocol 2, '.' the end. */
class TorchFileTest {
  @TempDir Path temp;

  private Path archive(String pickle, byte[] data, int method, String... more) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      add(zip, "m/data.pkl", pickle.getBytes(StandardCharsets.ISO_8859_1), method);
      add(zip, "m/data/0", data, method);
      for (String name : more) add(zip, name, "big".getBytes(StandardCharsets.US_ASCII), method);
    }
    return Files.write(temp.resolve("pytorch_model.bin"), bytes.toByteArray());
  }

  private static void add(ZipOutputStream zip, String name, byte[] bytes, int method) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(method);
    if (method == ZipEntry.STORED) {
      CRC32 crc = new CRC32();
      crc.update(bytes);
      entry.setCrc(crc.getValue());
      entry.setSize(bytes.length);
      entry.setCompressedSize(bytes.length);
    }
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
  }

  private static String text(String value) { return "X" + (char) value.length() + "\0\0\0" + value; }

  /** One tensor "a" of 2 x 2 float32. */
  private static String tensor(String storageType, String sizes, String strides, String offset) {
    return "\u0080\u0002}(" + text("a") + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "c" + storageType + "\n" + text("0")
        + text("cpu") + "K\u0004tQ"
        + offset + sizes + strides + "\u0089ccollections\nOrderedDict\n)RtRu.";
  }

  private static void assertRefused(Path file, String... parts) {
    InvalidInputException refusal = assertThrows(InvalidInputException.class, () -> TorchFile.read(file));
    for (String part : parts) assertTrue(refusal.getMessage().contains(part), refusal.getMessage());
    assertFalse(refusal.getMessage().contains("\n"), refusal.getMessage());
  }

  @Test void aTensorIsFoundInTheArchive() throws IOException {
    byte[] data = new byte[16];
    new Random(1).nextBytes(data);
    Path file = archive(tensor("torch\nFloatStorage", "K\u0002K\u0002\u0086", "K\u0002K\u0001\u0086", "K\0"), data, ZipEntry.STORED);
    List<TensorInfo> tensors = TorchFile.read(file);
    assertEquals(1, tensors.size());
    TensorInfo a = tensors.get(0);
    assertArrayEquals(new long[] {2, 2}, a.shape());
    assertEquals("F32", a.dtype());
    byte[] all = Files.readAllBytes(file);
    assertArrayEquals(data, java.util.Arrays.copyOfRange(all, (int) a.offset(), (int) (a.offset() + a.bytes())));
  }

  @Test void programsAreRefusedByName() throws IOException {
    assertRefused(archive("\u0080\u0002cposix\nsystem\n" + text("echo hi") + "\u0085R.", new byte[0], ZipEntry.STORED), "posix.system",
        "pytorch_model.bin");
    assertRefused(archive("\u0080\u0002c__builtin__\neval\n(" + text("1") + "tR.", new byte[0], ZipEntry.STORED), "__builtin__.eval");
    assertRefused(archive("\u0080\u0002(" + text("a") + "ios\nsystem\n.", new byte[0], ZipEntry.STORED), "0x69");
    assertRefused(archive("\u0080\u0002}" + text("epoch") + "K\u0007s.", new byte[0], ZipEntry.STORED), "epoch", "not a tensor");
    assertRefused(archive("\u0080\u0002K\u0007.", new byte[0], ZipEntry.STORED), "dictionary");
  }

  @Test void tensorsThatDoNotFitAreRefused() throws IOException {
    byte[] data = new byte[16];
    String square = "K\u0002K\u0002\u0086";
    String rows = "K\u0002K\u0001\u0086";
    assertRefused(archive(tensor("torch\nFloatStorage", square, rows, "K\u0001"), data, ZipEntry.STORED), "outside");
    assertRefused(archive(tensor("torch\nFloatStorage", "K\u0003K\u0002\u0086", rows, "K\0"), data, ZipEntry.STORED), "outside");
    assertRefused(archive(tensor("torch\nFloatStorage", square, rows, "J\u00ff\u00ff\u00ff\u00ff"), data, ZipEntry.STORED), "outside");
    assertRefused(archive(tensor("torch\nFloatStorage", "J\0\0\0\u0080K\u0002\u0086", rows, "K\0"), data, ZipEntry.STORED), "impossible");
    String huge = "\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f";
    assertRefused(archive(tensor("torch\nFloatStorage", huge + "K\u0002\u0086", rows, "K\0"), data, ZipEntry.STORED), "impossible");
    assertRefused(archive(tensor("torch\nFloatStorage", square, "K\u0001K\u0002\u0086", "K\0"), data, ZipEntry.STORED), "transposed");
    assertRefused(archive(tensor("torch\nQInt8Storage", square, rows, "K\0"), data, ZipEntry.STORED), "torch.QInt8Storage");
    assertRefused(archive(tensor("torch\nFloatStorage", square, rows, "K\0").replace(text("0"), text("9")), data, ZipEntry.STORED),
        "lacks the numbers");
  }

  @Test void archivesOfOtherKindsAreRefused() throws IOException {
    String good = tensor("torch\nFloatStorage", "K\u0002K\u0002\u0086", "K\u0002K\u0001\u0086", "K\0");
    assertRefused(archive(good, new byte[16], ZipEntry.DEFLATED), "compressed");
    assertRefused(archive(good, new byte[16], ZipEntry.STORED, "m/byteorder"), "big-endian");
    assertRefused(Files.write(temp.resolve("old.bin"), new byte[] {(byte) 0x80, 2, (byte) 0x8a, 10, 'l', (byte) 0xfc}),
        "convert it to safetensors");
    assertRefused(Files.write(temp.resolve("empty.bin"), new byte[0]), "no zip archive");
  }

  @Test void randomDamageNeverEscapes() throws IOException {
    byte[] real = Files.readAllBytes(ModelFolder.model("llava15-mha-56-orig-bin").resolve("pytorch_model-00001-of-00002.bin"));
    Random random = new Random(5);
    Path file = temp.resolve("x.bin");
    for (int round = 0; round < 400; round++) {
      byte[] damaged = real.clone();
      boolean directory = random.nextBoolean();
      for (int i = 0; i < 1 + random.nextInt(5); i++) {
        damaged[directory ? damaged.length - 1 - random.nextInt(3200) : random.nextInt(2500)] = (byte) random.nextInt(256);
      }
      Files.write(file, damaged);
      try {
        for (TensorInfo tensor : TorchFile.read(file)) {
          assertTrue(tensor.offset() >= 0 && tensor.bytes() >= 0 && tensor.offset() + tensor.bytes() <= damaged.length);
        }
      } catch (InvalidInputException expected) {
        assertFalse(expected.getMessage().contains("\n"), expected.getMessage());
      }
    }
  }
}
