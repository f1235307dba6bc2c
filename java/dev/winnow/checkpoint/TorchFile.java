package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Lists the tensors of a PyTorch weight file (pytorch_model.bin): a zip archive of a pickle and uncompressed numbers, which can be mapped.
 */
final class TorchFile {
  private static final long LARGEST_PICKLE = 256L << 20;

  private final Path file;
  private final long fileSize;
  private final String root;
  private final Map<String, ZipDirectory.Entry> entries;

  private TorchFile(Path file, long fileSize, String root, Map<String, ZipDirectory.Entry> entries) {
    this.file = file;
    this.fileSize = fileSize;
    this.root = root;
    this.entries = entries;
  }

  /** Throws InvalidInputException for anything that is not a plain dictionary of tensors. */
  static List<TensorInfo> read(Path file) {
    try (FileChannel channel = FileChannel.open(file)) {
      Map<String, ZipDirectory.Entry> entries = ZipDirectory.read(file, channel);
      String pickle = entries.keySet().stream().filter(name -> name.endsWith("/data.pkl")).findFirst()
          .orElseThrow(() -> new InvalidInputException(file + " holds no data.pkl: not a PyTorch weight file"));
      TorchFile torch = new TorchFile(file, channel.size(), pickle.substring(0, pickle.length() - "data.pkl".length()), entries);
      ZipDirectory.Entry order = entries.get(torch.root + "byteorder");
      if (order != null && !new String(bytes(channel, order).array(), StandardCharsets.US_ASCII).equals("little")) {
        throw new InvalidInputException(file + " was written on a big-endian machine: not supported; convert it to safetensors");
      }
      return torch.tensors(bytes(channel, entries.get(pickle)));
    } catch (IOException e) {
      throw new InvalidInputException(file + " cannot be read: " + JsonFile.firstLine(e.getMessage()), e);
    }
  }

  private List<TensorInfo> tensors(ByteBuffer pickle) {
    Map<String, TensorPickle.Stored> stored;
    try {
      stored = TensorPickle.read(pickle);
    } catch (InvalidInputException e) {
      throw new InvalidInputException(file + " " + e.getMessage(), e);
    }
    List<TensorInfo> tensors = new ArrayList<>();
    stored.forEach((name, tensor) -> tensors.add(tensor(name, tensor)));
    return tensors;
  }

  private TensorInfo tensor(String name, TensorPickle.Stored stored) {
    String dtype = stored.storage().dtype();
    ZipDirectory.Entry entry = entries.get(root + "data/" + stored.storage().key());
    if (entry == null) throw new InvalidInputException(file + " lacks the numbers of tensor " + name);
    long[] shape = stored.shape();
    int element = TensorInfo.elementBytes(dtype);
    try {
      long bytes = Math.multiplyExact(TensorInfo.elements(shape), element);
      long start = Math.multiplyExact(stored.offset(), element);
      for (long size : shape) if (size < 0) throw new ArithmeticException();
      if (start < 0 || start > entry.bytes() - bytes) {
        throw new InvalidInputException(file + " puts tensor " + name + " outside the stored numbers");
      }
      if (!contiguous(shape, stored.strides())) {
        throw new InvalidInputException(file + " stores tensor " + name + " transposed: not supported; convert the file to safetensors");
      }
      return new TensorInfo(name, dtype, shape, file, fileSize, entry.offset() + start, bytes);
    } catch (ArithmeticException e) {
      throw new InvalidInputException(file + " gives tensor " + name + " an impossible shape", e);
    }
  }

  private static boolean contiguous(long[] shape, long[] strides) {
    if (strides.length != shape.length) return false;
    long step = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      if (shape[i] != 1 && strides[i] != step) return false;
      step *= shape[i];
    }
    return true;
  }

  private static ByteBuffer bytes(FileChannel channel, ZipDirectory.Entry entry) throws IOException {
    if (entry.bytes() > LARGEST_PICKLE) throw new IOException("its directory is larger than " + (LARGEST_PICKLE >> 20) + " MB");
    ByteBuffer buffer = ByteBuffer.allocate((int) entry.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, entry.offset() + buffer.position()) < 0) throw new IOException("cut short");
    }
    return buffer.flip();
  }
}
