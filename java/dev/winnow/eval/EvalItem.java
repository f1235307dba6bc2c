package dev.winnow.eval;

import java.nio.file.Path;
import java.util.List;

/**
 * One question of a data set.
 *
 * @param id unique within the set
 * @param image the picture; null for a question without one
 * @param question the user's text
 * @param answers right answers, one or more
 * @param family group that is reported apart
 * @param metric how an answer is scored
 */
public record EvalItem(String id, Path image, String question, List<String> answers, String family, Metric metric) {
  public EvalItem {
    answers = List.copyOf(answers);
  }

  double score(String given) { return metric.score(given, answers); }
}
