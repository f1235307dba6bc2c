package dev.winnow.eval;

import dev.winnow.InvalidInputException;
import java.util.ArrayList;
import java.util.List;

/** Words between blanks, of which some may hold blanks in quotes, as in a shell: {@code restore_anchors selector='hired rate=0.3'}. */
final class QuotedWords {
  private static final char NONE = 0;

  private QuotedWords() {}

  /** Throws InvalidInputException where a quote is not closed. */
  static List<String> split(String text) {
    List<String> words = new ArrayList<>();
    StringBuilder word = null;
    char open = NONE;
    for (char c : text.toCharArray()) {
      boolean quote = c == open || open == NONE && (c == '\'' || c == '"');
      if (quote) open = open == NONE ? c : NONE;
      if (open == NONE && !quote && Character.isWhitespace(c)) {
        if (word != null) words.add(word.toString());
        word = null;
      } else {
        if (word == null) word = new StringBuilder();
        if (!quote) word.append(c);
      }
    }
    if (open != NONE) throw new InvalidInputException("in \"" + text + "\" a quote (" + open + ") is not closed; close it");
    if (word != null) words.add(word.toString());
    return words;
  }

  /** A word as {@link #split} reads it. */
  static String quoted(String word) {
    boolean plain = !word.isEmpty() && word.chars().noneMatch(c -> Character.isWhitespace(c) || c == '\'' || c == '"');
    if (plain) return word;
    String quote = word.indexOf('\'') < 0 ? "'" : "\"";
    return quote + word + quote;
  }
}
