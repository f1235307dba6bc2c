package dev.winnow.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What one command line gave: its status and the bytes of both streams. */
record Ran(int status, byte[] outBytes, byte[] errBytes) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Runs it in this JVM. */
  static Ran inProcess(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status = Winnow.run(args, new Console(stream(out), stream(err)));
    return new Ran(status, out.toByteArray(), err.toByteArray());
  }

  private static PrintStream stream(ByteArrayOutputStream bytes) { return new PrintStream(bytes, false, StandardCharsets.UTF_8); }

  String out() { return new String(outBytes, StandardCharsets.UTF_8); }

  String err() { return new String(errBytes, StandardCharsets.UTF_8); }

  /** The JSON objects of standard output, read by a strict parser, one a line. */
  List<JsonNode> traces() {
    return out().lines().map(line -> {
      try {
        return JSON.readTree(line);
      } catch (IOException e) {
        throw new UncheckedIOException(line, e);
      }
    }).toList();
  }

  /** The only trace, without its times. */
  String timeless() {
    ObjectNode trace = (ObjectNode) traces().get(0);
    trace.remove("timing");
    trace.get("cuts").forEach(cut -> ((ObjectNode) cut).remove("micros"));
    return trace.toString();
  }

  @Override public String toString() { return "status " + status + "\nout: " + out() + "\nerr: " + err(); }
}
