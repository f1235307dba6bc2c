package dev.winnow.prune;

import dev.winnow.InvalidInputException;
import dev.winnow.Suggestion;
import dev.winnow.WholeNumber;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The parameters of one use of a method: what the caller set, defaults for the rest. Every reader throws naming method, parameter and
 * value.
 */
public final class Settings {
  private final String owner;
  private final Map<String, String> values = new LinkedHashMap<>();
  private final Map<String, String> stated = new LinkedHashMap<>();

  private Settings(String owner) { this.owner = owner; }

  static Settings of(Method method, ModelShape shape, Map<String, String> given) {
    return of(owner(method), method.parameters(), shape, given);
  }

  /**
   * Throws if {@code given} has a name that is not among the parameters.
   *
   * @param owner whose they are, for complaints
   */
  static Settings of(String owner, List<Parameter> parameters, ModelShape shape, Map<String, String> given) {
    Settings settings = new Settings(owner);
    checkNames(owner, parameters, given.keySet());
    for (Parameter parameter : parameters) {
      String value = given.getOrDefault(parameter.name(), parameter.byDefault().apply(shape)).strip();
      settings.values.put(parameter.name(), value);
      if (!parameter.leftToTheModel(shape, value)) settings.stated.put(parameter.name(), value);
    }
    return settings;
  }

  /** Throws InvalidInputException if the method has no parameter of one of these names. */
  public static void checkNames(Method method, Collection<String> names) { checkNames(owner(method), method.parameters(), names); }

  private static void checkNames(String owner, List<Parameter> parameters, Collection<String> names) {
    List<String> known = parameters.stream().map(Parameter::name).toList();
    for (String name : names) {
      if (known.contains(name)) continue;
      throw new InvalidInputException(owner + " has no parameter '" + name + "'" + Suggestion.of(name, known) + "; it has "
          + (known.isEmpty() ? "none" : String.join(", ", known)));
    }
  }

  private static String owner(Method method) { return "method '" + method.name() + "'"; }

  /** What a list of {@code KEY=VALUE} says. Throws InvalidInputException where one has no value or a key comes twice. */
  public static Map<String, String> typed(List<String> settings) {
    Map<String, String> values = new LinkedHashMap<>();
    for (String setting : settings) {
      int equals = setting.indexOf('=');
      if (equals < 1) throw new InvalidInputException("'" + setting + "' is no setting; write KEY=VALUE");
      if (values.put(setting.substring(0, equals).strip(), setting.substring(equals + 1)) != null) {
        throw new InvalidInputException("'" + setting + "' sets a parameter that was set before; give it once");
      }
    }
    return values;
  }

  /** Every parameter with its value. */
  public Map<String, String> values() { return Map.copyOf(values); }

  /** The same in the method's order, for reports. */
  Map<String, String> ordered() { return new LinkedHashMap<>(values); }

  /** The same without what the method takes from the model by itself, such as the number of a block: so it does for other models too. */
  Map<String, String> stated() { return new LinkedHashMap<>(stated); }

  /** Whether a value was given or defaulted to something. */
  public boolean has(String name) { return !values.get(name).isEmpty(); }

  public String text(String name) { return values.get(name); }

  public int integer(String name) { return whole(name, values.get(name)); }

  public long wide(String name) { return WholeNumber.wide(values.get(name), problem -> unread(name, values.get(name), problem)); }

  /** A finite number. */
  public double number(String name) { return finite(name, values.get(name)); }

  /** A whole number within bounds. */
  public int integer(String name, int lowest, int highest) {
    int value = integer(name);
    if (value < lowest || value > highest) throw wrong(name, values.get(name), highest == Integer.MAX_VALUE ? lowest + " or more"
        : "a whole number from " + lowest + " to " + highest);
    return value;
  }

  /** A finite number within bounds. */
  public double number(String name, double lowest, double highest) {
    double value = number(name);
    if (!(value >= lowest && value <= highest)) {
      throw wrong(name, values.get(name), highest == Double.MAX_VALUE ? shortest(lowest) + " or more"
          : "a number from " + shortest(lowest) + " to " + shortest(highest));
    }
    return value;
  }

  /** A bound as one would write it: 1, not 1.0. */
  private static String shortest(double bound) { return bound == Math.rint(bound) ? String.valueOf((long) bound) : String.valueOf(bound); }

  public List<Integer> integers(String name) {
    return items(name).stream().map(item -> whole(name, item)).toList();
  }

  public List<Double> numbers(String name) { return items(name).stream().map(item -> finite(name, item)).toList(); }

  /** One of the given words. */
  public String choice(String name, String... words) {
    String value = values.get(name);
    if (!Arrays.asList(words).contains(value)) throw wrong(name, value, "one of " + String.join(", ", words));
    return value;
  }

  /** The error for a value that cannot be used. */
  public InvalidInputException wrong(String name, String value, String wanted) {
    return new InvalidInputException(owner + ": parameter " + name + "=" + value + " is not valid; give " + wanted);
  }

  /** Checks that a layer is one that the model has and that a cut can stand before. */
  public int layer(String name, int value, int lowest, int highest) {
    if (value < lowest || value > highest) throw wrong(name, String.valueOf(value), "a layer from " + lowest + " to " + highest
        + " for this model");
    return value;
  }

  private List<String> items(String name) {
    String value = values.get(name);
    return value.isEmpty() ? List.of() : new ArrayList<>(Arrays.asList(value.split(",", -1)));
  }

  private int whole(String name, String text) { return WholeNumber.small(text, problem -> unread(name, text, problem)); }

  private InvalidInputException unread(String name, String text, String problem) {
    return new InvalidInputException(owner + ": parameter " + name + "=" + text + " is not valid: " + problem);
  }

  private double finite(String name, String text) {
    try {
      double value = Double.parseDouble(text.strip());
      if (Double.isFinite(value)) return value;
    } catch (NumberFormatException e) {
      throw wrong(name, text, "a number");
    }
    throw wrong(name, text, "a finite number");
  }
}
