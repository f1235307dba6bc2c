package dev.winnow.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

/** Parameter texts as JSON values: numbers as numbers, lists as arrays, nothing as null, words as texts. */
final class Json {
  private static final String WHOLE = "-?[0-9]{1,18}";
  private static final String DECIMAL = "-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?";

  private Json() {}

  static JsonNode value(String text) {
    if (text.isEmpty()) return JsonNodeFactory.instance.nullNode();
    if (text.contains(",")) {
      ArrayNode array = JsonNodeFactory.instance.arrayNode();
      for (String item : text.split(",")) array.add(value(item.strip()));
      return array;
    }
    if (text.equals("true") || text.equals("false")) return JsonNodeFactory.instance.booleanNode(text.equals("true"));
    if (text.matches(WHOLE)) return JsonNodeFactory.instance.numberNode(Long.parseLong(text));
    double number = text.matches(DECIMAL) ? Double.parseDouble(text) : Double.NaN;
    if (Double.isFinite(number)) return JsonNodeFactory.instance.numberNode(number);
    return JsonNodeFactory.instance.textNode(text);
  }
}
