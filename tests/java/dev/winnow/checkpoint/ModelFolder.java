package dev.winnow.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A copy of a checkpoint of tests/data/parity that a test may damage. */
public final class ModelFolder {
  public static final ObjectMapper JSON = new ObjectMapper();

  /** A tensor of a safetensors file: its header entry and its bytes. */
  public record Stored(String dtype, long[] shape, byte[] bytes) {
    /** The upper half of each float32. */
    public Stored asBfloat16() {
      byte[] half = new byte[bytes.length / 2];
      for (int i = 0; i < half.length; i += 2) System.arraycopy(bytes, 2 * i + 2, half, i, 2);
      return new Stored("BF16", shape, half);
    }
  }

  public final Path path;

  private ModelFolder(Path path) { this.path = path; }

  public static Path data(String relative) { return Path.of(System.getProperty("winnow.basedir", "."), "tests", "data").resolve(relative); }

  public static Path model(String name) { return data("parity/models/" + name); }

  public static ModelFolder copy(String name, Path parent) { return copy(model(name), parent); }

  /** The same of a folder that lies elsewhere. */
  public static ModelFolder copy(Path source, Path parent) {
    try {
      Path target = Files.createTempDirectory(parent, "model").resolve(source.getFileName().toString());
      Files.createDirectories(target);
      try (Stream<Path> files = Files.list(source)) {
        for (Path file : (Iterable<Path>) files::iterator) Files.copy(file, target.resolve(file.getFileName()));
      }
      return new ModelFolder(target);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Copies another folder beside this one. */
  public ModelFolder beside(String name) throws IOException {
    Path target = Files.createDirectory(path.resolveSibling(name));
    try (Stream<Path> files = Files.list(model(name))) {
      for (Path file : (Iterable<Path>) files::iterator) Files.copy(file, target.resolve(file.getFileName()));
    }
    return this;
  }

  public ModelFolder json(String file, Consumer<ObjectNode> change) {
    try {
      ObjectNode node = (ObjectNode) JSON.readTree(path.resolve(file).toFile());
      change.accept(node);
      JSON.writeValue(path.resolve(file).toFile(), node);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public ModelFolder config(Consumer<ObjectNode> change) { return json("config.json", change); }

  /** So many layers of the decoder and blocks of the tower; layers that it did not have are copies of those that it has, in turn. */
  public ModelFolder depth(int layers, int blocks) throws IOException {
    config(config -> {
      ((ObjectNode) config.get("text_config")).put("num_hidden_layers", layers).remove("layer_types");
      ((ObjectNode) config.get("vision_config")).put("num_hidden_layers", blocks);
    });
    Pattern numbered = Pattern.compile("layers\\.(\\d+)\\.");
    return tensors(tensors -> {
      Map<String, Stored> given = new LinkedHashMap<>(tensors);
      int before = 1 + given.keySet().stream().filter(name -> !name.contains("vision")).map(numbered::matcher).filter(Matcher::find)
          .mapToInt(matcher -> Integer.parseInt(matcher.group(1))).max().orElseThrow();
      given.forEach((name, stored) -> {
        Matcher matcher = numbered.matcher(name);
        if (!matcher.find()) return;
        int number = Integer.parseInt(matcher.group(1));
        if (number >= (name.contains("vision") ? blocks : layers)) tensors.remove(name);
        if (name.contains("vision")) return;
        for (int copy = number + before; copy < layers; copy += before) {
          tensors.put(matcher.replaceFirst("layers." + copy + "."), stored);
        }
      });
    });
  }

  public ModelFolder delete(String file) throws IOException {
    Files.delete(path.resolve(file));
    return this;
  }

  public ModelFolder write(String file, byte[] bytes) throws IOException {
    Files.write(path.resolve(file), bytes);
    return this;
  }

  public byte[] bytes(String file) throws IOException { return Files.readAllBytes(path.resolve(file)); }

  /** Rewrites model.safetensors with other tensors. */
  public ModelFolder tensors(Consumer<Map<String, Stored>> change) throws IOException {
    Path file = path.resolve("model.safetensors");
    Map<String, Stored> tensors = readTensors(file);
    change.accept(tensors);
    writeTensors(file, tensors);
    return this;
  }

  public static Map<String, Stored> readTensors(Path file) throws IOException {
    byte[] all = Files.readAllBytes(file);
    int length = (int) ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).getLong();
    JsonNode header = JSON.readTree(all, 8, length);
    Map<String, Stored> tensors = new LinkedHashMap<>();
    header.properties().forEach(entry -> {
      if (entry.getKey().equals("__metadata__")) return;
      JsonNode value = entry.getValue();
      int from = value.get("data_offsets").get(0).asInt() + 8 + length;
      int to = value.get("data_offsets").get(1).asInt() + 8 + length;
      long[] shape = new long[value.get("shape").size()];
      for (int i = 0; i < shape.length; i++) shape[i] = value.get("shape").get(i).asLong();
      tensors.put(entry.getKey(), new Stored(value.get("dtype").asText(), shape, java.util.Arrays.copyOfRange(all, from, to)));
    });
    return tensors;
  }

  public static void writeTensors(Path file, Map<String, Stored> tensors) throws IOException {
    ObjectNode header = JSON.createObjectNode();
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (Map.Entry<String, Stored> entry : tensors.entrySet()) {
      ObjectNode value = header.putObject(entry.getKey());
      value.put("dtype", entry.getValue().dtype());
      for (long size : entry.getValue().shape()) value.withArray("shape").add(size);
      value.withArray("shape");
      value.withArray("data_offsets").add(data.size()).add(data.size() + entry.getValue().bytes().length);
      data.writeBytes(entry.getValue().bytes());
    }
    Files.write(file, safetensors(JSON.writeValueAsString(header), data.toByteArray()));
  }

  /** A safetensors file of a given header text and data. */
  public static byte[] safetensors(String header, byte[] data) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + text.length
        + data.length).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).put(text).put(data).array();
  }
}
