package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * A weight file mapped into memory privately: pages are read when they are used, and nothing that is written to a tensor
 * reaches the file. A tensor from {@link #tensor} shares the mapping and keeps it alive.
 */
final class MappedFile implements AutoCloseable {
  private final Path path;
  private final long size;
  private final FileTime modified;
  /** All bytes of the file, uint8. */
  private final Tensor bytes;

  private MappedFile(Path path, long size, FileTime modified, Tensor bytes) {
    this.path = path;
    this.size = size;
    this.modified = modified;
    this.bytes = bytes;
  }

  /**
   * Maps a file.
   *
   * @param size its size as its header was checked against; another size now means that it is being written, and is refused
   */
  static MappedFile map(Path path, long size) {
    try (PointerScope scope = new PointerScope()) {
      FileTime modified = Files.getLastModifiedTime(path);
      if (Files.size(path) != size) throw changed(path);
      BytePointer name = new BytePointer(path.toAbsolutePath().toString(), fileNameCharset());
      TensorOptions options = new TensorOptions().dtype(new ScalarTypeOptional(torch.ScalarType.Byte));
      Tensor bytes = torch.from_file(name, new BoolOptional(false), new LongOptional(size), options);
      return new MappedFile(path, size, modified, bytes.retainReference());
    } catch (InvalidInputException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new InvalidInputException(path + " cannot be mapped into memory: " + JsonFile.firstLine(e.getMessage()), e);
    }
  }

  /**
   * A tensor of this file, without a copy unless it lies at an offset that its element type cannot be read from. The caller
   * owns it: it belongs to no {@link PointerScope} and has to be closed.
   */
  Tensor tensor(TensorInfo info) {
    try (PointerScope scope = new PointerScope()) {
      Tensor raw = bytes.narrow(0, info.offset(), info.bytes());
      if (info.offset() % TensorInfo.elementBytes(info.dtype()) != 0) raw = raw.clone();
      Tensor shaped = raw.view(scalarType(info)).reshape(info.shape());
      return shaped.retainReference();
    }
  }

  /** Throws InvalidInputException if the file was replaced, cut or written since it was mapped: its tensors can no longer be trusted. */
  void checkUnchanged() {
    try {
      if (Files.size(path) == size && Files.getLastModifiedTime(path).equals(modified)) return;
    } catch (IOException e) {
      throw new InvalidInputException(path + " can no longer be read: " + JsonFile.firstLine(e.getMessage()), e);
    }
    throw changed(path);
  }

  @Override public void close() { bytes.close(); }

  private static torch.ScalarType scalarType(TensorInfo info) {
    switch (info.dtype()) {
      case "F32": return torch.ScalarType.Float;
      case "F16": return torch.ScalarType.Half;
      case "BF16": return torch.ScalarType.BFloat16;
      default: throw new InvalidInputException("tensor " + info.describe() + " has the unsupported dtype " + info.dtype()
          + "; supported are F32, F16 and BF16: use an unquantised checkpoint");
    }
  }

  private static InvalidInputException changed(Path path) {
    return new InvalidInputException(path + " was changed while it was in use: wait until it is complete and load the model again");
  }

  /** The charset in which the JVM itself passes names of files to the system. */
  private static Charset fileNameCharset() {
    String name = System.getProperty("sun.jnu.encoding");
    return name != null && Charset.isSupported(name) ? Charset.forName(name) : StandardCharsets.UTF_8;
  }
}
