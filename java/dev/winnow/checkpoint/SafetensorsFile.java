package dev.winnow.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Reads the header of a safetensors file: 8 bytes of little-endian header length, a json object that maps each name to
 * {dtype, shape, data_offsets}, then the data. The rules are those of the format's own reader: the tensors cover the data
 * without gap or overlap and end where the file ends. Nothing but the header is read.
 */
final class SafetensorsFile {
  /** The format's own limit. */
  private static final long LARGEST_HEADER = 100_000_000;
  private static final int MOST_DIMENSIONS = 8;
  private static final JsonFactory JSON = JsonFactory.builder()
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .streamReadConstraints(StreamReadConstraints.builder()
          .maxNestingDepth(8).maxNameLength(1000).maxStringLength((int) LARGEST_HEADER).build())
      .build();

  private final Path file;
  private final long size;
  private long dataStart;

  private SafetensorsFile(Path file, long size) {
    this.file = file;
    this.size = size;
  }

  /** The tensors of a file, in the order of their data. Throws InvalidInputException for anything that breaks the format. */
  static List<TensorInfo> read(Path file) {
    try (FileChannel channel = FileChannel.open(file)) {
      return new SafetensorsFile(file, channel.size()).read(channel);
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(file + ": the header is not valid json: " + JsonFile.firstLine(e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw new InvalidInputException(file + " cannot be read: " + JsonFile.firstLine(e.getMessage()), e);
    }
  }

  private List<TensorInfo> read(FileChannel channel) throws IOException {
    if (size < 10) throw broken("has only " + size + " bytes: not a safetensors file");
    ByteBuffer start = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN);
    while (start.hasRemaining() && channel.read(start, start.position()) > 0) { }
    long length = start.getLong(0);
    if (length < 0 || length > LARGEST_HEADER) {
      throw broken("says that its header has " + Long.toUnsignedString(length) + " bytes, allowed are " + LARGEST_HEADER
          + ": not a safetensors file");
    }
    if (length > size - 8) throw broken("is cut short: its header should have " + length + " bytes, the whole file has " + size);
    if (start.get(8) != '{') throw broken("does not begin its header with '{': not a safetensors file");
    dataStart = 8 + length;
    channel.position(8);
    List<TensorInfo> tensors = parse(new BoundedStream(Channels.newInputStream(channel), length));
    checkCoverage(tensors);
    return tensors;
  }

  private List<TensorInfo> parse(InputStream header) throws IOException {
    List<TensorInfo> tensors = new ArrayList<>();
    try (JsonParser json = JSON.createParser(header)) {
      json.nextToken();
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        json.nextToken();
        if (name.equals("__metadata__")) json.skipChildren();
        else tensors.add(tensor(name, json));
      }
      if (json.currentToken() != JsonToken.END_OBJECT || json.nextToken() != null) {
        throw broken("has a header that is more than one json object");
      }
    }
    return tensors;
  }

  private TensorInfo tensor(String name, JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) throw broken("describes tensor " + name + " by no object");
    String dtype = null;
    long[] shape = null;
    long[] offsets = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      JsonToken value = json.nextToken();
      if (field.equals("dtype") && value == JsonToken.VALUE_STRING) dtype = json.getText();
      else if (field.equals("shape")) shape = longs(name, json, MOST_DIMENSIONS);
      else if (field.equals("data_offsets")) offsets = longs(name, json, 2);
      else json.skipChildren();
    }
    if (dtype == null || shape == null || offsets == null || offsets.length != 2) {
      throw broken("lacks dtype, shape or data_offsets of tensor " + name);
    }
    if (offsets[0] > offsets[1] || offsets[1] > size - dataStart) {
      throw broken("puts tensor " + name + " at bytes " + offsets[0] + " to " + offsets[1] + " of " + (size - dataStart)
          + ": cut short or damaged");
    }
    long bytes = offsets[1] - offsets[0];
    int element = TensorInfo.elementBytes(dtype);
    long needed;
    try {
      needed = Math.multiplyExact(TensorInfo.elements(shape), Math.max(element, 1));
    } catch (ArithmeticException e) {
      throw broken("gives tensor " + name + " the impossible shape " + Arrays.toString(shape));
    }
    if (element > 0 && needed != bytes) {
      throw broken("gives tensor " + name + " of " + dtype + " " + Arrays.toString(shape) + " " + bytes + " bytes, it needs " + needed);
    }
    return new TensorInfo(name, dtype, shape, file, size, dataStart + offsets[0], bytes);
  }

  private long[] longs(String name, JsonParser json, int most) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) throw broken("has no list where tensor " + name + " needs one");
    long[] list = new long[most];
    int count = 0;
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (json.currentToken() != JsonToken.VALUE_NUMBER_INT || count == most) {
        throw broken("has a wrong list of sizes or offsets for tensor " + name);
      }
      list[count] = json.getLongValue();
      if (list[count++] < 0) throw broken("has a negative size or offset for tensor " + name);
    }
    return Arrays.copyOf(list, count);
  }

  private void checkCoverage(List<TensorInfo> tensors) {
    tensors.sort(Comparator.comparingLong(TensorInfo::offset).thenComparingLong(TensorInfo::bytes));
    long end = dataStart;
    TensorInfo before = null;
    for (TensorInfo tensor : tensors) {
      if (tensor.offset() < end) throw broken("lets tensors " + before.name() + " and " + tensor.name() + " overlap");
      if (tensor.offset() > end) throw broken("leaves a gap before tensor " + tensor.name());
      end += tensor.bytes();
      before = tensor;
    }
    if (end != size) throw broken("has " + (size - end) + " bytes that belong to no tensor: damaged");
  }

  private InvalidInputException broken(String what) {
    return new InvalidInputException(file + " " + what + "; get a whole copy of the file");
  }
}
