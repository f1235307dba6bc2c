package dev.winnow.cli;

import dev.winnow.WinnowException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The trained model that ships inside the jar, unpacked into a temporary folder for as long as it is open. */
final class BundledModel implements AutoCloseable {
  private static final String RESOURCES = "/dev/winnow/demo/shapes-llava/";
  private static final List<String> FILES = List.of(
      "config.json", "generation_config.json", "model.safetensors", "preprocessor_config.json", "processor_config.json",
      "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "chat_template.json");

  private final Path folder;
  private final Thread atExit = new Thread(this::delete);

  private BundledModel(Path folder) { this.folder = folder; }

  static BundledModel unpack() {
    try {
      BundledModel model = new BundledModel(Files.createTempDirectory("winnow-demo"));
      Runtime.getRuntime().addShutdownHook(model.atExit); // also when the user interrupts
      for (String file : FILES) {
        try (InputStream in = resource(RESOURCES + file)) {
          Files.copy(in, model.folder.resolve(file));
        }
      }
      return model;
    } catch (IOException e) {
      throw new WinnowException("the demo's model cannot be unpacked into " + System.getProperty("java.io.tmpdir") + " (" + e.getMessage()
          + "); name another folder with WINNOW_JAVA_OPTS=-Djava.io.tmpdir=FOLDER", e);
    }
  }

  /** A resource of the jar, whatever the jar is nested in. */
  static InputStream resource(String name) {
    InputStream in = BundledModel.class.getResourceAsStream(name);
    if (in == null) throw new WinnowException("the resource " + name + " is missing from the jar; build it with its resources");
    return in;
  }

  Path folder() { return folder; }

  private void delete() {
    if (!Files.exists(folder)) return;
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException e) {
      throw new WinnowException("the temporary folder " + folder + " cannot be deleted: " + e.getMessage(), e);
    }
  }

  @Override public void close() {
    delete();
    Runtime.getRuntime().removeShutdownHook(atExit);
  }
}
