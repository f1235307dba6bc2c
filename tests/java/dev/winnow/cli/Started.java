package dev.winnow.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs commands as processes of their own. */
final class Started {
  static final Path APPLICATION = Path.of(System.getProperty("winnow.basedir", ".")).resolve("target/winnow").toAbsolutePath().normalize();
  private static final long LIMIT_SECONDS = 900;

  private Started() {}

  /** Runs the packaged application with nothing in its environment but the path and what is given. */
  static Ran winnow(Map<String, String> environment, String... args) {
    return run(environment, with(args, APPLICATION.resolve("bin/winnow").toString()));
  }

  /** A command line that begins with {@code first}. */
  static String[] with(String[] args, String... first) {
    List<String> all = new ArrayList<>(Arrays.asList(first));
    all.addAll(Arrays.asList(args));
    return all.toArray(String[]::new);
  }

  /** Text reaches the process as UTF-8 through a script file, whatever this JVM's locale is. */
  static Ran run(Map<String, String> environment, String... command) {
    try {
      Path script = Files.createTempFile("command", ".sh");
      Path out = Files.createTempFile("command", ".out");
      Path err = Files.createTempFile("command", ".err");
      StringBuilder line = new StringBuilder("exec");
      for (String word : command) line.append(" '").append(word.replace("'", "'\\''")).append('\'');
      Files.writeString(script, line.append('\n').toString());
      ProcessBuilder builder = new ProcessBuilder("sh", script.toString()).redirectOutput(out.toFile()).redirectError(err.toFile());
      builder.environment().clear();
      builder.environment().put("PATH", System.getenv("PATH"));
      builder.environment().putAll(environment);
      Process process = builder.start();
      process.getOutputStream().close();
      if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("still running after " + LIMIT_SECONDS + " s: " + line);
      }
      Ran ran = new Ran(process.exitValue(), Files.readAllBytes(out), Files.readAllBytes(err));
      for (Path file : List.of(script, out, err)) Files.delete(file);
      return ran;
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  static boolean has(String tool) { return run(Map.of(), "sh", "-c", "command -v " + tool).status() == 0; }
}
