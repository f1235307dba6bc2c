package dev.winnow.eval;

import dev.winnow.InvalidInputException;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A method with some parameters set, as one line of a comparison.
 *
 * @param method name of the method
 * @param settings parameters that differ from the defaults, in the order given
 */
public record Variant(String method, Map<String, String> settings) {
  static final Variant NONE = new Variant("none", Map.of());

  public Variant {
    Methods.named(method);
  }

  /** Reads {@code NAME [KEY=VALUE]...}, separated by spaces. Throws InvalidInputException naming what is wrong. */
  public static Variant parse(String text) {
    String[] words = text.strip().split("\\s+");
    Map<String, String> settings = new LinkedHashMap<>();
    Method method = Methods.named(words[0]);
    List<String> known = method.parameters().stream().map(parameter -> parameter.name()).toList();
    for (int i = 1; i < words.length; i++) {
      int equals = words[i].indexOf('=');
      if (equals < 1) throw new InvalidInputException("'" + words[i] + "' in '" + text + "' is no setting; write NAME KEY=VALUE KEY=VALUE");
      String name = words[i].substring(0, equals);
      if (!known.contains(name)) {
        throw new InvalidInputException("method '" + words[0] + "' has no parameter '" + name + "'; it has "
            + (known.isEmpty() ? "none" : String.join(", ", known)));
      }
      settings.put(name, words[i].substring(equals + 1));
    }
    return new Variant(words[0], settings);
  }

  /** As {@link #parse} reads it. */
  public String label() {
    List<String> words = new ArrayList<>(List.of(method));
    settings.forEach((name, value) -> words.add(name + "=" + value));
    return String.join(" ", words);
  }
}
