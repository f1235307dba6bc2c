package dev.winnow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsFileTest {
  @TempDir Path temp;

  static Stream<Arguments> brokenHeaders() {
    String good = "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";
    return Stream.of(
        Arguments.of("overlap", "{" + good + ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12),
        Arguments.of("overlap", "{" + good + ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8),
        Arguments.of("gap", "{" + good + ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]}}", 16),
        Arguments.of("belong to no tensor", "{" + good + "}", 9),
        Arguments.of("belong to no tensor", "{}", 1),
        Arguments.of("cut short", "{" + good + "}", 7),
        Arguments.of("Duplicate", "{" + good + "," + good + "}", 8),
        Arguments.of("it needs", "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8),
        Arguments.of("it needs", "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8),
        Arguments.of("impossible shape", "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", 8),
        Arguments.of("impossible shape", "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}", 0),
        Arguments.of("negative", "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8),
        Arguments.of("negative", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 8),
        Arguments.of("cut short or damaged", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8),
        Arguments.of("cut short or damaged",
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[9223372036854775799,9223372036854775807]}}", 8),
        Arguments.of("not valid json", "{\"a\":{\"dtype\":\"F32\",\"shape\":[18446744073709551616],\"data_offsets\":[0,8]}}", 8),
        Arguments.of("wrong list", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8),
        Arguments.of("wrong list", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", 8),
        Arguments.of("lacks", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8),
        Arguments.of("lacks", "{\"a\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}", 8),
        Arguments.of("by no object", "{\"a\":[1]}", 8),
        Arguments.of("not valid json", "{\"__metadata__\":" + "[".repeat(50_000) + "}", 0),
        Arguments.of("not valid json", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"z\":" + "[".repeat(50) + "]".repeat(50)
            + ",\"data_offsets\":[0,8]}}", 8),
        Arguments.of("not valid json", "{" + good, 8),
        Arguments.of("more than one", "{" + good + "} {}", 8),
        Arguments.of("not valid json", "{" + good + "} \u0001", 8),
        Arguments.of("begin its header", "[" + good + "]", 8));
  }

  @ParameterizedTest
  @MethodSource("brokenHeaders")
  void brokenHeadersAreRefusedInOneLine(String reason, String header, int dataBytes) throws IOException {
    Path file = Files.write(temp.resolve("x.safetensors"), ModelFolder.safetensors(header, new byte[dataBytes]));
    assertRefused(reason, file);
  }

  private static void assertRefused(String reason, Path file) {
    InvalidInputException refusal = assertThrows(InvalidInputException.class, () -> SafetensorsFile.read(file));
    assertTrue(refusal.getMessage().contains(reason), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("x.safetensors"), refusal.getMessage());
    assertFalse(refusal.getMessage().contains("\n"), refusal.getMessage());
  }

  @Test void lengthsThatLieAreRefusedWithoutReading() throws IOException {
    Path file = temp.resolve("x.safetensors");
    for (long length : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 100_000_001}) {
      Files.write(file, ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(length).put((byte) '{').array());
      assertRefused("not a safetensors file", file);
    }
    Files.write(file, ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(57).put((byte) '{').array());
    assertRefused("cut short", file);
    for (int size = 0; size < 10; size++) {
      Files.write(file, new byte[size]);
      assertRefused("not a safetensors file", file);
    }
  }

  @Test void aFileBeyondFourGigabytesIsMappedNotRead() throws IOException {
    long elements = (5L << 30) / 4;
    String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[" + elements + "],\"data_offsets\":[0," + elements * 4 + "]}}";
    Path file = temp.resolve("big.safetensors");
    Files.write(file, ModelFolder.safetensors(header + " ".repeat(8 - header.length() % 8), new byte[0]));
    long start = Files.size(file);
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(start + elements * 4);
      sparse.seek(start + elements * 4 - 4);
      sparse.writeInt(Integer.reverseBytes(Float.floatToIntBits(42f)));
    }
    List<TensorInfo> tensors = SafetensorsFile.read(file);
    try (MappedFile mapped = MappedFile.map(file, tensors.get(0).fileSize());
        Tensor all = mapped.tensor(tensors.get(0));
        Tensor last = all.narrow(0, elements - 1, 1)) {
      assertEquals(42f, last.item_float());
    }
  }

  @Test void emptyAndScalarTensorsAreRead() throws IOException {
    String header = "{\"__metadata__\":{\"format\":\"pt\"},\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
        + "\"e\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[4,4]}}";
    List<TensorInfo> tensors = SafetensorsFile.read(Files.write(temp.resolve("x.safetensors"),
        ModelFolder.safetensors(header, new byte[4])));
    assertEquals(List.of("s", "e"), tensors.stream().map(TensorInfo::name).toList());
  }

  @Test void aChangedSizeIsNoticed() throws IOException {
    Path file = Files.write(temp.resolve("x.safetensors"), new byte[64]);
    assertTrue(assertThrows(InvalidInputException.class, () -> MappedFile.map(file, 60)).getMessage().contains("changed"));
    try (MappedFile mapped = MappedFile.map(file, 64)) {
      mapped.checkUnchanged();
      Files.write(file, new byte[65]);
      assertThrows(InvalidInputException.class, mapped::checkUnchanged);
    }
  }

  /** Whatever single bytes of a real header become: a typed refusal or a consistent list, never another exception. */
  @Test void randomDamageNeverEscapes() throws IOException {
    byte[] real = Files.readAllBytes(ModelFolder.model("llava15-mha-56").resolve("model.safetensors"));
    Random random = new Random(3);
    Path file = temp.resolve("x.safetensors");
    for (int round = 0; round < 400; round++) {
      byte[] damaged = random.nextBoolean() ? real.clone() : java.util.Arrays.copyOf(real, random.nextInt(real.length));
      for (int i = 0; i < 1 + random.nextInt(4) && damaged.length > 0; i++) {
        damaged[random.nextInt(Math.min(damaged.length, 11_800))] = (byte) random.nextInt(256);
      }
      Files.write(file, damaged);
      try {
        for (TensorInfo tensor : SafetensorsFile.read(file)) {
          assertTrue(tensor.offset() >= 8 && tensor.bytes() >= 0 && tensor.offset() + tensor.bytes() <= damaged.length);
        }
      } catch (InvalidInputException expected) {
        assertFalse(expected.getMessage().contains("\n"), expected.getMessage());
      }
    }
  }
}
