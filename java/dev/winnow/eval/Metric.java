package dev.winnow.eval;

import dev.winnow.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** How an answer is held against the right ones. Every score is from 0 to 1. */
public enum Metric {
  /** 1 if it equals one of the right answers after {@link VqaText#normalise}. */
  EXACT {
    @Override public double score(String given, List<String> right) { return matches(given, right) > 0 ? 1 : 0; }
  },
  /**
   * The accuracy of VQA and TextVQA: for each person, min(1, agreeing others / 3), averaged over the people who answered (Antol et al.,
   * VQA, ICCV 2015, section 4).
   */
  CONSENSUS {
    @Override public double score(String given, List<String> right) {
      int agree = matches(given, right);
      int others = right.size() - agree;
      return (agree * Math.min(1, (agree - 1) / 3.0) + others * Math.min(1, agree / 3.0)) / right.size();
    }
  },
  /** As {@link #EXACT}, on the yes or no that the answer holds; tables add precision, recall and F1 with "yes" as the positive (POPE). */
  YES_NO {
    @Override public double score(String given, List<String> right) { return saysYes(given) == saysYes(right.get(0)) ? 1 : 0; }
  },
  /** F1 of the items of a list separated by commas; items that occur twice count twice. */
  ITEMS {
    @Override public double score(String given, List<String> right) { return bestF1(Metric::items, given, right); }
  },
  /** F1 of the words. */
  WORDS {
    @Override public double score(String given, List<String> right) { return bestF1(VqaText::words, given, right); }
  };

  /** @param right one or more right answers */
  public abstract double score(String given, List<String> right);

  /** "exact", "consensus", "yes_no", "items", "words". */
  public String label() { return name().toLowerCase(Locale.ROOT); }

  /** The metric with this label; throws InvalidInputException naming it. */
  static Metric of(String label) {
    for (Metric metric : values()) if (metric.label().equals(label)) return metric;
    throw new InvalidInputException("unknown metric '" + label + "'; use one of "
        + String.join(", ", Arrays.stream(values()).map(Metric::label).toList()));
  }

  /** What suits a question that names no metric: F1 for captions, yes or no, else exact. */
  static Metric suited(String family, List<String> right) {
    if (family.equals("caption")) return right.stream().anyMatch(answer -> answer.contains(",")) ? ITEMS : WORDS;
    return right.stream().allMatch(answer -> List.of("yes", "no").contains(VqaText.normalise(answer))) ? YES_NO : EXACT;
  }

  /** POPE's reading of an answer: no where its first sentence has the word "no" or "not", else yes. */
  static boolean saysYes(String answer) {
    List<String> words = VqaText.words(answer.split("\\.", 2)[0]);
    return !words.contains("no") && !words.contains("not");
  }

  private static int matches(String given, List<String> right) {
    String wanted = VqaText.normalise(given);
    return (int) right.stream().filter(answer -> VqaText.normalise(answer).equals(wanted)).count();
  }

  private static List<String> items(String text) {
    List<String> items = new ArrayList<>();
    for (String item : text.split(",")) {
      String normal = VqaText.normalise(item);
      if (!normal.isEmpty()) items.add(normal);
    }
    return items;
  }

  private static double bestF1(Function<String, List<String>> parts, String given, List<String> right) {
    return right.stream().mapToDouble(answer -> f1(parts.apply(given), parts.apply(answer))).max().orElse(0);
  }

  private static double f1(List<String> given, List<String> right) {
    if (given.isEmpty() && right.isEmpty()) return 1;
    Map<String, Integer> open = new HashMap<>();
    right.forEach(item -> open.merge(item, 1, Integer::sum));
    int hits = 0;
    for (String item : given) if (open.merge(item, -1, Integer::sum) >= 0) hits++;
    return 2.0 * hits / (given.size() + right.size());
  }
}
