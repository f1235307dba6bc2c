package dev.winnow.prune;

import java.util.function.Function;

/**
 * A parameter of a method. Values are texts, as they are typed after {@code --set}; {@link Settings} reads them.
 *
 * @param name as typed
 * @param byDefault default for a model
 * @param defaultText the default in words
 * @param meaning one sentence, with the source where it comes from a paper or its code
 * @param counting whether it says how many tokens stay, which a budget says instead
 */
public record Parameter(String name, Function<ModelShape, String> byDefault, String defaultText, String meaning, boolean counting) {
  public Parameter(String name, Function<ModelShape, String> byDefault, String defaultText, String meaning) {
    this(name, byDefault, defaultText, meaning, false);
  }

  /** A parameter whose default is the same for every model. */
  public static Parameter of(String name, String value, String meaning) { return new Parameter(name, shape -> value, value, meaning); }

  /** The same, as one that says how many tokens stay. */
  public Parameter asCount() { return new Parameter(name, byDefault, defaultText, meaning, true); }

  /** Whether {@code value} is the default for this model and another model may have another one. */
  boolean leftToTheModel(ModelShape shape, String value) {
    return value.equals(byDefault.apply(shape)) && !value.equals(defaultText);
  }
}
