package dev.winnow.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One json object of a checkpoint's file, read with checked types; every complaint names the file and the field. A field that
 * is null counts as absent, as it does for the library that writes these files.
 */
final class JsonFile {
  private static final long LARGEST = 512L << 20;
  /** Duplicate names are refused: two readers of such a file may see two different models. */
  private static final JsonMapper MAPPER = JsonMapper.builder(com.fasterxml.jackson.core.JsonFactory.builder()
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(64).build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build())
      .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  private final Path file;
  private final String prefix;
  private final JsonNode node;

  private JsonFile(Path file, String prefix, JsonNode node) {
    this.file = file;
    this.prefix = prefix;
    this.node = node;
  }

  /** Reads a file that must exist and hold one json object. */
  static JsonFile read(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new InvalidInputException(file + " is missing; give a whole checkpoint folder, as published on Hugging Face");
      }
      if (Files.size(file) > LARGEST) {
        throw new InvalidInputException(file + " is larger than " + (LARGEST >> 20) + " MB: not a json file of a model");
      }
      JsonNode node = MAPPER.readTree(Files.readAllBytes(file));
      if (!node.isObject()) throw new InvalidInputException(file + " does not hold a json object");
      return new JsonFile(file, "", node);
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(file + " is not valid json: " + firstLine(e.getOriginalMessage())
          + (e.getLocation() == null ? "" : " (line " + e.getLocation().getLineNr() + ")") + "; correct it or get the file again", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + " cannot be read: " + firstLine(e.getMessage()), e);
    }
  }

  /** As {@link #read}, or an object without fields if there is no such file. */
  static JsonFile readIfThere(Path file) {
    return Files.isRegularFile(file) ? read(file) : new JsonFile(file, "", JsonNodeFactory.instance.objectNode());
  }

  static String firstLine(String text) {
    if (text == null) return "no reason given";
    int end = text.indexOf('\n');
    return end < 0 ? text : text.substring(0, end);
  }

  Path file() { return file; }

  JsonNode node() { return node; }

  boolean has(String field) { return node.hasNonNull(field); }

  /** The object under a field; one without fields if absent. */
  JsonFile object(String field) {
    JsonNode child = node.get(field);
    if (child == null || child.isNull()) child = JsonNodeFactory.instance.objectNode();
    if (!child.isObject()) throw wrong(field, "is not an object");
    return new JsonFile(file, prefix + field + ".", child);
  }

  /** An integer from {@code least} to {@code most}. */
  int integer(String field, int fallback, int least, int most) {
    long value = has(field) ? integral(field, node.get(field)) : fallback;
    if (value < least || value > most) throw wrong(field, "is " + value + ", allowed is " + least + " to " + most);
    return (int) value;
  }

  /** A list of integers, or one integer as a list of one; empty if absent. */
  List<Integer> integers(String field) {
    List<Integer> list = new ArrayList<>();
    if (!has(field)) return list;
    JsonNode value = node.get(field);
    if (!value.isArray()) return List.of((int) integral(field, value));
    for (JsonNode item : value) list.add((int) integral(field, item));
    return list;
  }

  /** A finite number greater than zero. */
  double positive(String field, double fallback) {
    if (!has(field)) return fallback;
    JsonNode value = node.get(field);
    double number = value.asDouble(Double.NaN);
    if (!value.isNumber() || !(number > 0) || Double.isInfinite(number)) {
      throw wrong(field, "is " + brief(value) + ", not a number above 0");
    }
    return number;
  }

  String text(String field, String fallback) {
    if (!has(field)) return fallback;
    if (!node.get(field).isTextual()) throw wrong(field, "is " + brief(node.get(field)) + ", not a text");
    return node.get(field).textValue();
  }

  boolean flag(String field, boolean fallback) {
    if (!has(field)) return fallback;
    if (!node.get(field).isBoolean()) throw wrong(field, "is " + brief(node.get(field)) + ", not true or false");
    return node.get(field).booleanValue();
  }

  InvalidInputException wrong(String field, String what) {
    return new InvalidInputException(file + ": " + prefix + field + " " + what);
  }

  private long integral(String field, JsonNode value) {
    if (!value.isNumber() || !value.canConvertToExactIntegral() || !value.canConvertToInt()) {
      throw wrong(field, "is " + brief(value) + ", not an integer");
    }
    return value.longValue();
  }

  private static String brief(JsonNode value) {
    String text = value.toString();
    return text.length() <= 60 ? text : String.format(Locale.ROOT, "%.57s...", text);
  }
}
