package dev.winnow.eval;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Makes answers comparable as the VQA challenge does (Antol et al., VQA, ICCV 2015, evaluation code): small letters, punctuation out,
 * number
 * words as digits, articles out, single spaces. Where the challenge restores apostrophes by a table of contractions ("dont" is "don't"),
 * they are taken out on both sides here, which makes the same words equal.
 */
public final class VqaText {
  private static final Map<String, String> NUMBERS = new HashMap<>();
  private static final Pattern COMMA_IN_NUMBER = Pattern.compile("(\\d),(\\d)");
  private static final Pattern PERIOD_OUTSIDE_NUMBER = Pattern.compile("\\.(?!\\d)");
  private static final String PUNCTUATION = ";/[]\"{}()=+\\_-<>@`,?!:";

  static {
    String[] words = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"};
    for (int i = 0; i < words.length; i++) NUMBERS.put(words[i], String.valueOf(i));
    NUMBERS.put("none", "0");
  }

  private VqaText() {}

  /** The comparable form. */
  public static String normalise(String answer) { return String.join(" ", words(answer)); }

  /** The words of the comparable form, in order. */
  public static List<String> words(String answer) {
    String text = answer.toLowerCase(Locale.ROOT).replace('\u2019', '\'');
    text = COMMA_IN_NUMBER.matcher(text).replaceAll("$1$2");
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\'') continue;
      out.append(PUNCTUATION.indexOf(c) >= 0 || Character.isWhitespace(c) ? ' ' : c);
    }
    List<String> words = new ArrayList<>();
    for (String word : PERIOD_OUTSIDE_NUMBER.matcher(out).replaceAll("").split(" ")) {
      if (word.isEmpty() || word.equals("a") || word.equals("an") || word.equals("the")) continue;
      words.add(NUMBERS.getOrDefault(word, word));
    }
    return words;
  }
}
