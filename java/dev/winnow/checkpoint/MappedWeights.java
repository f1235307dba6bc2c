package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;

/** Weights that lie in mapped files; a tensor is made when it is first asked for. Safe for use by several threads. */
final class MappedWeights implements Weights {
  private final TreeMap<String, TensorInfo> infos;
  private final Map<Path, MappedFile> files = new LinkedHashMap<>();
  private final Map<String, Tensor> tensors = new HashMap<>();
  private boolean closed;

  /**
   * Maps the files that hold the given tensors.
   *
   * @param infos where each tensor lies, by canonical name
   */
  MappedWeights(Map<String, TensorInfo> infos) {
    this.infos = new TreeMap<>(infos);
    try {
      for (TensorInfo info : this.infos.values()) files.computeIfAbsent(info.file(), file -> MappedFile.map(file, info.fileSize()));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  @Override public synchronized Tensor get(String name) {
    if (closed) throw new IllegalStateException("the checkpoint is closed");
    TensorInfo info = infos.get(name);
    if (info == null) throw new InvalidInputException("the checkpoint has no tensor " + name);
    return tensors.computeIfAbsent(name, n -> files.get(info.file()).tensor(info));
  }

  @Override public boolean has(String name) { return infos.containsKey(name); }

  @Override public Set<String> names() { return Collections.unmodifiableSet(infos.keySet()); }

  /** Throws InvalidInputException naming a file that was changed since it was mapped. */
  synchronized void checkUnchanged() { files.values().forEach(MappedFile::checkUnchanged); }

  @Override public synchronized void close() {
    closed = true;
    tensors.values().forEach(Tensor::close);
    tensors.clear();
    files.values().forEach(MappedFile::close);
    files.clear();
  }
}
