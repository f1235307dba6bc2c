package dev.winnow.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Strict JSON in UTF-8: what is read names the file and line where it is wrong, and what is written has no NaN. */
public final class Texts {
  private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private Texts() {}

  public static ObjectNode object() { return JSON.createObjectNode(); }

  /** The text of a file without a byte-order mark. */
  public static String text(Path file) {
    if (Files.isDirectory(file)) throw new InvalidInputException(file + ": is a folder; give the file itself");
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(Files.readAllBytes(file))).toString();
      return text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw new InvalidInputException(file + ": is not UTF-8 text; convert it", e);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such file; check the path", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read (" + e.getMessage() + "); check its permissions", e);
    }
  }

  /** @param where named in the message, such as "questions.jsonl line 3" */
  public static JsonNode parse(String text, String where) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      String reason = e.getOriginalMessage().lines().findFirst().orElse("");
      throw new InvalidInputException(where + ": is not valid JSON (" + reason + "); correct it", e);
    }
  }

  /** A text or number field as text; throws if it is missing or something else. */
  public static String field(JsonNode node, String name, String where) {
    JsonNode value = node.get(name);
    if (value == null || !(value.isTextual() || value.isIntegralNumber())) {
      throw new InvalidInputException(where + ": has no text '" + name + "'; add it");
    }
    return value.asText();
  }

  /** Puts a number, or null where it is not finite. */
  public static void number(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) node.put(name, value);
    else node.putNull(name);
  }

  public static double number(JsonNode node, String name) { return node.path(name).isNumber() ? node.get(name).doubleValue() : Double.NaN; }

  public static String line(JsonNode node) {
    try {
      return JSON.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new WinnowException("a result cannot be written as JSON: " + e.getOriginalMessage(), e);
    }
  }

  public static String pretty(JsonNode node) {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n";
    } catch (JsonProcessingException e) {
      throw new WinnowException("results cannot be written as JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** A number for a CSV cell: at most this many decimals, a point whatever the locale, empty where not finite. */
  public static String cell(double value, int decimals) {
    if (!Double.isFinite(value)) return "";
    return new BigDecimal(value).setScale(decimals, RoundingMode.HALF_EVEN).toPlainString();
  }

  public static void write(Path file, String text) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.writeString(file, text, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be written (" + e.getMessage() + "); name a place that can be written", e);
    }
  }
}
