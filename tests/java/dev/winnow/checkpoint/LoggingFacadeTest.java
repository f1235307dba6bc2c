package dev.winnow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.TestData;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoggingFacadeTest {
  private static final Path MODEL = TestData.path("parity/models/llava15-mha-56");

  @TempDir Path folder;

  /** A program that loads a tokenizer and nothing else. */
  public static final class Program {
    public static void main(String[] args) {
      try (Checkpoint checkpoint = Checkpoint.open(Path.of(args[0]))) {
        System.out.println(checkpoint.tokenizer().encode(List.of(new PromptPiece.Text("a"))).length > 0);
      }
    }
  }

  private String[] run(String... options) throws Exception {
    List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java", "-cp",
        System.getProperty("java.class.path")));
    command.addAll(List.of(options));
    command.addAll(List.of(Program.class.getName(), MODEL.toString()));
    Path err = folder.resolve("err");
    Process process = new ProcessBuilder(command).redirectError(err.toFile()).start();
    String out = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), () -> command.toString());
    return new String[] {out, Files.readString(err)};
  }

  @Test void aProgramThatBindsNothingHearsNothing() throws Exception {
    String[] quiet = run();
    assertEquals("true\n", quiet[0]);
    assertEquals("", quiet[1]);
    assertTrue(run("-Dslf4j.internal.verbosity=WARN")[1].contains("No SLF4J providers"), "who asks for the warning gets it");
  }

  @Test void aBindingIsLeftAlone() throws IOException {
    assertFalse(LoggingFacade.isBound(with("META-INF/services/else")));
    assertTrue(LoggingFacade.isBound(with("META-INF/services/org.slf4j.spi.SLF4JServiceProvider")));
    assertTrue(LoggingFacade.isBound(with("org/slf4j/impl/StaticLoggerBinder.class")));
  }

  private ClassLoader with(String resource) throws IOException {
    Path root = Files.createTempDirectory(folder, "root");
    Path file = root.resolve(resource);
    Files.createDirectories(file.getParent());
    Files.writeString(file, "");
    return new URLClassLoader(new URL[] {root.toUri().toURL()}, null);
  }
}
