package dev.winnow.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Finds the weight files of a folder, single or in shards, and lists their tensors under the stored names. */
final class WeightFiles {
  private WeightFiles() {}

  /** Throws InvalidInputException if there are none, or if the index and the shards do not agree. */
  static List<TensorInfo> list(Path folder) {
    Path single = folder.resolve("model.safetensors");
    if (Files.isRegularFile(single)) return read(single);
    Path index = folder.resolve("model.safetensors.index.json");
    if (Files.isRegularFile(index)) return readShards(folder, index);
    single = folder.resolve("pytorch_model.bin");
    if (Files.isRegularFile(single)) return read(single);
    index = folder.resolve("pytorch_model.bin.index.json");
    if (Files.isRegularFile(index)) return readShards(folder, index);
    throw new InvalidInputException(folder + " has no weights: expected is model.safetensors, pytorch_model.bin, "
        + "or an index.json of one of them with its shards");
  }

  private static List<TensorInfo> read(Path file) {
    if (isPointer(file)) {
      throw new InvalidInputException(file + " is only a Git LFS pointer to the weights: fetch them with 'git lfs pull'");
    }
    return file.getFileName().toString().endsWith(".safetensors") ? SafetensorsFile.read(file) : TorchFile.read(file);
  }

  /** A clone without LFS leaves a short text in the place of each large file. */
  private static boolean isPointer(Path file) {
    try {
      return Files.size(file) < 1024
          && new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).startsWith("version https://git-lfs");
    } catch (IOException e) {
      throw new InvalidInputException(file + " cannot be read: " + JsonFile.firstLine(e.getMessage()), e);
    }
  }

  private static List<TensorInfo> readShards(Path folder, Path index) {
    JsonFile json = JsonFile.read(index);
    JsonNode map = json.node().path("weight_map");
    if (!map.isObject() || map.isEmpty()) throw json.wrong("weight_map", "is missing or empty");
    Map<String, Path> shards = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      if (!entry.getValue().isTextual()) throw json.wrong("weight_map", "names no file for tensor " + entry.getKey());
      shards.computeIfAbsent(entry.getValue().textValue(), name -> shard(json, folder, name));
    }
    Map<String, Map<String, TensorInfo>> stored = new HashMap<>();
    for (Map.Entry<String, Path> shard : shards.entrySet()) {
      if (!Files.isRegularFile(shard.getValue())) {
        throw new InvalidInputException(shard.getValue() + " is missing, but " + index.getFileName() + " names it");
      }
      Map<String, TensorInfo> byName = new HashMap<>();
      for (TensorInfo tensor : read(shard.getValue())) byName.put(tensor.name(), tensor);
      stored.put(shard.getKey(), byName);
    }
    List<TensorInfo> tensors = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String file = entry.getValue().textValue();
      TensorInfo tensor = stored.get(file).get(entry.getKey());
      if (tensor == null) {
        throw new InvalidInputException(folder.resolve(file) + " has no tensor " + entry.getKey() + ", but " + index.getFileName()
            + " says so");
      }
      tensors.add(tensor);
    }
    return tensors;
  }

  /** An index comes with the download: it may name files of its own folder only. Decided by name, before anything is opened. */
  private static Path shard(JsonFile index, Path folder, String name) {
    InvalidInputException outside = index.wrong("weight_map", "names the file '" + name + "', which is not inside the model's folder");
    if (name.isEmpty() || name.indexOf('\\') >= 0 || name.indexOf('\0') >= 0) throw outside;
    try {
      Path relative = Path.of(name);
      if (relative.isAbsolute() || relative.normalize().startsWith("..") || !relative.normalize().equals(relative)) throw outside;
      return folder.resolve(relative);
    } catch (InvalidPathException e) {
      throw outside;
    }
  }
}
