package dev.winnow.eval;

import dev.winnow.InvalidInputException;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlanReader;
import dev.winnow.prune.Settings;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * A method with some parameters set, or a plan file, as one line of a comparison.
 *
 * @param label what it is called in tables
 * @param method name of the method; "plan" for a plan file
 * @param settings parameters that differ from the defaults, in the order given
 * @param file the plan file; null for a method
 */
public record Variant(String label, String method, Map<String, String> settings, PlanReader file) {
  public static final Variant NONE = new Variant("none", "none", Map.of(), null);

  /**
   * Reads {@code NAME [KEY=VALUE]...}, separated by blanks; a value that holds blanks stands in quotes, KEY='VALUE'. Throws
   * InvalidInputException naming what is wrong.
   */
  public static Variant parse(String text) {
    List<String> words = QuotedWords.split(text);
    if (words.isEmpty()) throw new InvalidInputException("'" + text + "' names no method; write NAME [KEY=VALUE]...");
    Method method = Methods.named(words.get(0));
    Map<String, String> settings = Settings.typed(words.subList(1, words.size()));
    Settings.checkNames(method, settings.keySet());
    return new Variant(label(method.name(), settings), method.name(), settings, null);
  }

  /** What {@link #parse} makes the same variant of. */
  private static String label(String method, Map<String, String> settings) {
    StringBuilder text = new StringBuilder(method);
    settings.forEach((name, value) -> text.append(' ').append(name).append('=').append(QuotedWords.quoted(value.strip())));
    return text.toString();
  }

  /** Method and settings by name, the same in whatever order they were typed. */
  public String sortedLabel() { return label(method, new TreeMap<>(settings)); }

  /** A plan file, called by its name. Throws InvalidInputException where it is no plan. */
  public static Variant plan(Path file) { return new Variant("plan " + file.getFileName(), "plan", Map.of(), PlanReader.open(file)); }

  /**
   * The plan for a model.
   *
   * @param budget tokens per picture on average over the layers; a plan file says itself what stays and takes none
   * @param imageTokens tokens of the largest picture
   * @throws InvalidInputException if the model or the budget is not one that it can do with
   */
  public Plan plan(ModelShape shape, OptionalInt budget, int imageTokens) {
    return file != null ? file.plan(shape) : Methods.named(method).plan(shape, settings, budget, imageTokens);
  }
}
