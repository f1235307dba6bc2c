package dev.winnow.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import dev.winnow.calibrate.BudgetTarget;
import dev.winnow.engine.Answer;
import dev.winnow.engine.Model;
import dev.winnow.engine.Report;
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

  private final boolean scores;
  private final boolean logits;

  private TraceFile(String name, OutputStream stream, boolean owned, boolean scores, boolean logits) {
    this.name = name;
    this.stream = stream;
    this.owned = owned;
    this.scores = scores;
    this.logits = logits;
  }

  /** Empties or creates the file; null where no trace is wanted. */
  static TraceFile open(String name, Console console, boolean scores, boolean logits) {
    if (name == null) return null;
    if (name.equals("-")) return new TraceFile("standard output", console.out(), false, scores, logits);
    try {
      if (Files.isDirectory(Path.of(name))) throw new InvalidInputException("--trace " + name + " is a folder; name a file");
      return new TraceFile(name, Files.newOutputStream(Path.of(name)), true, scores, logits);
    } catch (IOException | InvalidPathException e) {
      throw new InvalidInputException("--trace " + name + " cannot be written (" + e.getClass().getSimpleName()
          + "); name a file in a folder that can be written", e);
    }
  }

  /** @param choice the budget that was chosen for a target; null for none */
  void write(Model model, Answer answer, BudgetTarget.Choice choice) {
    ObjectNode trace = TraceJson.tree(model, answer, scores, logits);
    if (choice != null) {
      Report.Timing timing = answer.report().timing();
      ObjectNode target = trace.putObject("target").put("budget", choice.budget()).put("predicted_kv_bytes", choice.kvBytes());
      if (Double.isFinite(choice.millis())) target.put("predicted_ms", choice.millis());
      else target.putNull("predicted_ms");
      target.put("actual_kv_bytes", answer.report().kv().bytesHeld()).put("actual_ms", timing.vision() + timing.prompt());
    }
    try {
      stream.write((trace + "\n").getBytes(StandardCharsets.UTF_8));
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
