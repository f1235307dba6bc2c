package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import dev.winnow.engine.Answer;
import dev.winnow.engine.Model;
import dev.winnow.engine.TraceJson;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Where traces go: a file or standard output, one JSON object a line, in UTF-8. */
final class TraceFile implements AutoCloseable {
  private final String name;
  private final OutputStream stream;
  private final boolean owned;

  private TraceFile(String name, OutputStream stream, boolean owned) {
    this.name = name;
    this.stream = stream;
    this.owned = owned;
  }

  /** Empties or creates the file; null where no trace is wanted. */
  static TraceFile open(String name, Console console) {
    if (name == null) return null;
    if (name.equals("-")) return new TraceFile("standard output", console.out(), false);
    try {
      return new TraceFile(name, Files.newOutputStream(Path.of(name)), true);
    } catch (IOException | InvalidPathException e) {
      throw new InvalidInputException("--trace " + name + " cannot be written (" + e.getClass().getSimpleName()
          + "); name a file in a folder that can be written", e);
    }
  }

  void write(Model model, Answer answer, boolean withScores, boolean withLogits) {
    try {
      stream.write((TraceJson.write(model, answer, withScores, withLogits) + "\n").getBytes(StandardCharsets.UTF_8));
      stream.flush();
    } catch (IOException e) {
      throw new WinnowException("the trace cannot be written to " + name + ": " + e.getMessage(), e);
    }
  }

  @Override public void close() {
    if (!owned) return;
    try {
      stream.close();
    } catch (IOException e) {
      throw new WinnowException("the trace cannot be written to " + name + ": " + e.getMessage(), e);
    }
  }
}
