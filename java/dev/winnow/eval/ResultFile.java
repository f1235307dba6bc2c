package dev.winnow.eval;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A file of results, one JSON object a line after a first line that says what they are results of. Each result is on disk before the next
 * is computed, so a run that was stopped goes on where it was; half a line at the end, left by a crash, is cut off.
 */
public final class ResultFile implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;
  private final List<JsonNode> lines = new ArrayList<>();

  /**
   * @param header what the results depend on; results under another header are refused
   * @throws InvalidInputException if the file cannot be written, is damaged or belongs to another run
   */
  public ResultFile(Path file, ObjectNode header) {
    this.file = file;
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      long whole = Files.exists(file) ? wholeLines() : 0;
      if (whole > 0) load(header);
      channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      channel.truncate(whole);
      channel.position(whole);
      if (whole == 0) append(header);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be used for results (" + e.getMessage() + "); give another --out", e);
    }
  }

  /** Bytes up to the last line break. */
  private long wholeLines() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] != '\n') end--;
    if (end < bytes.length) Files.write(file, Arrays.copyOf(bytes, end));
    return end;
  }

  private void load(ObjectNode header) {
    int number = 0;
    for (String line : Texts.text(file).split("\n")) {
      String where = file + " line " + ++number;
      JsonNode node = Texts.parse(line, where);
      if (number > 1) lines.add(node);
      else if (!Texts.line(node).equals(Texts.line(header))) {
        throw new InvalidInputException(file + ": holds results of another run (" + Texts.line(node) + "); give another --out or remove the"
            + " file");
      }
    }
  }

  /** Results that were there when the file was opened. */
  public List<JsonNode> lines() { return lines; }

  public void append(JsonNode node) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap((Texts.line(node) + "\n").getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) channel.write(bytes);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": a result cannot be written (" + e.getMessage() + "); make room and run again, it goes on"
          + " from here", e);
    }
  }

  @Override public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be closed (" + e.getMessage() + "); check the disk", e);
    }
  }
}
