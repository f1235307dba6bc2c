package dev.winnow.prune.patches;

import dev.winnow.prune.QuestionText;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The words of a question that say what is looked for, as MMTok picks them. */
public final class Keywords {
  private static final Set<String> STOP = Set.of(("a an the is are was were be been being have has had do does did it they he she we you i"
      + " what where when why how who which and or but so if then question answer to for with by from at into onto upon").split(" "));
  private static final Pattern WORD = Pattern.compile("\\b\\w+\\b", Pattern.UNICODE_CHARACTER_CLASS);

  private Keywords() {}

  /** The words joined by spaces; the question without hints where none is left. */
  public static String of(String question) {
    String text = QuestionText.withoutHints(question);
    StringBuilder words = new StringBuilder();
    Matcher matcher = WORD.matcher(text);
    while (matcher.find()) {
      if (STOP.contains(matcher.group().toLowerCase(Locale.ROOT))) continue;
      if (!words.isEmpty()) words.append(' ');
      words.append(matcher.group());
    }
    return words.isEmpty() ? text : words.toString();
  }
}
