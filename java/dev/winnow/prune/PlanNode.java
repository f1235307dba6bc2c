package dev.winnow.prune;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.winnow.InvalidInputException;
import dev.winnow.Suggestion;
import dev.winnow.WholeNumber;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** A JSON value that knows where it stands, so that every complaint about a plan file names line and column. */
final class PlanNode {
  private static final JsonFactory JSON = new JsonFactory().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

  private static final String BYTE_ORDER_MARK = "\uFEFF";
  /** What Jackson says about its own switches, which a user does not have. */
  private static final Pattern JACKSON_ADVICE = Pattern.compile(": enable `.*| \\(not recognized as one since .*|, from `StreamRead[^`]*`");
  private static final int LONGEST_COMPLAINT = 400;

  private final String place;
  /** Exactly one of these is not null. */
  private final Map<String, PlanNode> fields;
  private final List<PlanNode> items;
  private final String scalar;
  private final boolean text;

  private PlanNode(String place, Map<String, PlanNode> fields, List<PlanNode> items, String scalar, boolean text) {
    this.place = place;
    this.fields = fields;
    this.items = items;
    this.scalar = scalar;
    this.text = text;
  }

  /** @param source what to call the text in complaints */
  static PlanNode parse(String json, String source) {
    // some editors begin UTF-8 with a byte-order mark
    try (JsonParser parser = JSON.createParser(json.startsWith(BYTE_ORDER_MARK) ? json.substring(1) : json)) {
      try {
        PlanNode root = read(parser, parser.nextToken(), source);
        if (parser.nextToken() == null) return root;
        throw new InvalidInputException(place(source, parser.currentTokenLocation()) + "nothing may follow the plan");
      } catch (JsonProcessingException e) {
        JsonLocation at = e.getLocation() == null ? parser.currentLocation() : e.getLocation();
        String cause = JACKSON_ADVICE.matcher(e.getOriginalMessage().lines().findFirst().orElse("")).replaceFirst("");
        throw new InvalidInputException(place(source, at) + "not valid JSON: " + cause, e);
      }
    } catch (IOException e) {
      throw new InvalidInputException(source + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static PlanNode read(JsonParser parser, JsonToken token, String source) throws IOException {
    if (token == null) throw new InvalidInputException(source + ":1:1: the file is empty; a plan is a JSON object");
    String place = place(source, parser.currentTokenLocation());
    switch (token) {
      case START_OBJECT -> {
        Map<String, PlanNode> fields = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          fields.put(name, read(parser, parser.nextToken(), source));
        }
        return new PlanNode(place, fields, null, null, false);
      }
      case START_ARRAY -> {
        List<PlanNode> items = new ArrayList<>();
        while (true) {
          JsonToken next = parser.nextToken();
          if (next == JsonToken.END_ARRAY) return new PlanNode(place, null, items, null, false);
          items.add(read(parser, next, source));
        }
      }
      default -> {
        return new PlanNode(place, null, null, parser.getText(), token == JsonToken.VALUE_STRING);
      }
    }
  }

  private static String place(String source, JsonLocation location) {
    return location == null ? source + ": " : source + ":" + location.getLineNr() + ":" + location.getColumnNr() + ": ";
  }

  /** The complaint about this value. */
  InvalidInputException wrong(String what) {
    String line = what.replaceAll("\\p{Cntrl}", " ");
    int half = LONGEST_COMPLAINT / 2;
    // a value may be endless; the cause stands before it and the remedy behind
    if (line.length() > LONGEST_COMPLAINT) line = line.substring(0, half) + " ... " + line.substring(line.length() - half);
    return new InvalidInputException(place + line);
  }

  boolean has(String name) { return fields != null && fields.containsKey(name); }

  /** Complains about any field that is not among these. */
  void only(String what, Set<String> names) {
    if (fields == null) throw wrong(what + " must be an object");
    for (Map.Entry<String, PlanNode> field : fields.entrySet()) {
      if (!names.contains(field.getKey())) {
        throw field.getValue().wrong("unknown field '" + field.getKey() + "' in " + what + Suggestion.of(field.getKey(), names)
            + "; there are " + String.join(", ", names.stream().sorted().toList()));
      }
    }
  }

  PlanNode required(String name) {
    PlanNode value = fields().get(name);
    if (value == null) throw wrong("'" + name + "' is missing");
    return value;
  }

  PlanNode get(String name) { return fields.get(name); }

  Map<String, PlanNode> fields() {
    if (fields == null) throw wrong("an object is wanted here");
    return fields;
  }

  List<PlanNode> items() {
    if (items == null) throw wrong("an array is wanted here");
    return items;
  }

  String string() {
    if (scalar == null || !text) throw wrong("a string is wanted here");
    return scalar;
  }

  /** One of the given words. */
  String word(String... words) {
    String value = string();
    for (String word : words) if (word.equals(value)) return value;
    throw wrong("'" + value + "' is not valid here; give one of " + String.join(", ", words));
  }

  boolean truth() {
    if (text || !"true".equals(scalar) && !"false".equals(scalar)) throw wrong("true or false is wanted here");
    return scalar.equals("true");
  }

  int integer(int lowest, int highest) {
    String wanted = "a whole number from " + lowest + " to " + highest + " is wanted here";
    if (text || scalar == null) throw wrong(wanted);
    int value = WholeNumber.small(scalar, problem -> wrong(wanted + ": " + problem));
    if (value < lowest || value > highest) throw wrong(wanted + ", not " + value);
    return value;
  }

  /** The value as it would be typed after {@code --set}: arrays with commas between their items. */
  String asSetting() {
    if (scalar != null && !(scalar.equals("null") && !text)) return scalar;
    if (items == null) throw wrong("a string, a number, true, false or an array of those is wanted here");
    return String.join(",", items.stream().map(PlanNode::asSetting).toList());
  }
}
