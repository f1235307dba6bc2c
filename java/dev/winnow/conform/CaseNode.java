package dev.winnow.conform;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A field of a case, with the names of JsonNode's methods. Jackson reads text as the number 0, a missing field as null and a number as an
 * empty list; here each of these is a {@link CaseFormException} that names the field and what it must be. The node also knows what was read
 * of it, so that a field which nothing looks at is told instead of passing unseen.
 */
public final class CaseNode implements Iterable<CaseNode> {
  /** Most characters of a value that a message quotes. */
  private static final int SHOWN = 60;

  private final String path;
  private final JsonNode value;
  /** By name, or by place in a list. */
  private final Map<String, CaseNode> children = new LinkedHashMap<>();
  private boolean read;

  private CaseNode(String path, JsonNode value) {
    this.path = path;
    this.value = value;
    value.properties().forEach(field -> children.put(field.getKey(), new CaseNode(below(field.getKey()), field.getValue())));
    if (!value.isArray()) return;
    for (int i = 0; i < value.size(); i++) children.put(String.valueOf(i), new CaseNode(path + "[" + i + "]", value.get(i)));
  }

  /** The whole of a case, whose fields are called by their names alone. */
  public static CaseNode of(JsonNode oneCase) { return new CaseNode("", oneCase); }

  private String below(String name) { return path.isEmpty() ? name : path + "." + name; }

  /** The error for a field that is not what it must be. */
  CaseFormException mustBe(String wanted) {
    String text = value.isObject() ? "an object" : value.isArray() ? "a list" : value.isMissingNode() ? "missing" : value.toString();
    return wrong("must be " + wanted + ", is " + (text.length() > SHOWN ? text.substring(0, SHOWN) + "..." : text));
  }

  /** The error for a field, of which {@code what} is said. */
  CaseFormException wrong(String what) { return new CaseFormException((path.isEmpty() ? "the case" : path) + " " + what); }

  private JsonNode value() {
    read = true;
    return value;
  }

  public boolean isArray() { return value.isArray(); }

  public boolean isObject() { return value.isObject(); }

  public boolean isNull() { return value().isNull(); }

  public boolean isMissingNode() { return value.isMissingNode(); }

  private Map<String, CaseNode> fields() {
    if (value().isObject() || value.isMissingNode()) return children;
    throw mustBe("an object");
  }

  private Collection<CaseNode> items() {
    if (value().isArray() || value.isMissingNode()) return children.values();
    throw mustBe("a list");
  }

  public boolean has(String name) { return fields().containsKey(name); }

  /** Throws where there is no such field. */
  public CaseNode get(String name) {
    CaseNode child = fields().get(name);
    if (child == null) throw wrong("has no '" + name + "'");
    return child;
  }

  /** Throws where there is no such entry. */
  public CaseNode get(int index) {
    int count = items().size();
    if (index < count) return children.get(String.valueOf(index));
    throw wrong("has no entry " + index + ": it has " + count);
  }

  /** The field, or a missing one. */
  public CaseNode path(String name) { return fields().containsKey(name) ? get(name) : missing(below(name)); }

  /** The entry, or a missing one. */
  public CaseNode path(int index) { return index < items().size() ? get(index) : missing(path + "[" + index + "]"); }

  private static CaseNode missing(String path) { return new CaseNode(path, MissingNode.getInstance()); }

  /** Entries of a list. */
  public int size() { return items().size(); }

  /** Over the entries of a list; a missing list has none. */
  @Override public Iterator<CaseNode> iterator() { return items().iterator(); }

  public Map<String, CaseNode> properties() { return fields(); }

  private double whole(double lowest, double highest) {
    double number = value().isNumber() ? value.doubleValue() : Double.NaN;
    if (number == Math.rint(number) && number >= lowest && number <= highest) return number;
    throw mustBe(lowest == Integer.MIN_VALUE ? "a whole number of 32 bits" : "a whole number of 64 bits");
  }

  public int asInt() { return (int) whole(Integer.MIN_VALUE, Integer.MAX_VALUE); }

  public int asInt(int fallback) { return value.isMissingNode() ? fallback : asInt(); }

  public long asLong() {
    whole(Long.MIN_VALUE, Long.MAX_VALUE);
    return value.longValue();
  }

  public double asDouble() {
    if (value().isNumber() && Double.isFinite(value.doubleValue())) return value.doubleValue();
    throw mustBe("a finite number");
  }

  public double asDouble(double fallback) { return value.isMissingNode() ? fallback : asDouble(); }

  public boolean asBoolean() {
    if (value().isBoolean()) return value.booleanValue();
    throw mustBe("true or false");
  }

  /** The text, or what a number, true or false look like. */
  public String asText() {
    if (value().isValueNode() && !value.isNull()) return value.asText();
    throw mustBe("text");
  }

  public String asText(String fallback) { return value.isMissingNode() ? fallback : asText(); }

  /** Paths of what was never read, something with fields or entries that was not read at all as one. */
  List<String> unread() {
    List<String> paths = new ArrayList<>();
    if (!read && !(value.isContainerNode() && children.isEmpty())) paths.add(path);
    else children.values().forEach(child -> paths.addAll(child.unread()));
    return paths;
  }

  @Override public String toString() { return value.toString(); }
}
