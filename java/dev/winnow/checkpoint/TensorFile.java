package dev.winnow.checkpoint;

import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** A single safetensors file by itself, its tensors under the names that it gives them. */
public final class TensorFile {
  private TensorFile() {}

  /** Maps the file. Throws InvalidInputException naming what is wrong with it. */
  public static Weights open(Path file) {
    Map<String, TensorInfo> infos = new TreeMap<>();
    for (TensorInfo info : SafetensorsFile.read(file)) infos.put(info.name(), info);
    return new MappedWeights(infos);
  }
}
