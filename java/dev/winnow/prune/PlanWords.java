package dev.winnow.prune;

import java.util.Locale;

/** Constants as plan files write them: {@code above-mean} for {@code ABOVE_MEAN}. */
public final class PlanWords {
  private PlanWords() {}

  public static String of(Enum<?> constant) { return constant.name().toLowerCase(Locale.ROOT).replace('_', '-'); }

  public static String[] all(Enum<?>[] constants) {
    String[] words = new String[constants.length];
    for (int i = 0; i < words.length; i++) words[i] = of(constants[i]);
    return words;
  }

  public static <E extends Enum<E>> E read(Class<E> type, String word) {
    return Enum.valueOf(type, word.toUpperCase(Locale.ROOT).replace('-', '_'));
  }
}
