package dev.winnow.eval;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * Results by variant and budget.
 *
 * @param families names of the families, in the order of the data set
 * @param rows the unpruned model first, then by falling budget
 */
public record EvalTable(List<String> families, List<Row> rows) {
  /**
   * One variant at one budget. Shares are 0 to 1, times are medians in milliseconds, tokens and bytes are means; NaN where nothing was
   * measured.
   *
   * @param budget tokens asked for on average over the layers; -1 for the method's own settings
   * @param answered questions with an answer
   * @param refused questions without one, for {@code reason}
   * @param accuracy mean score
   * @param byFamily mean score of each family that was answered
   * @param yesNo of each family of yes-or-no questions
   * @param loyalty share of answers that are those of the unpruned model
   * @param averages means of tokens and bytes, medians of times
   * @param prefillSpeedup median prefill time without cuts divided by the one with them, over the same questions
   * @param firstTokenSpeedup the same for vision and prefill together
   * @param overRandom how much better than {@code random} at the same budget, and the standard error of that; over the same questions
   */
  public record Row(String variant, int budget, int answered, int refused, String reason, double accuracy,
      Map<String, Double> byFamily, Map<String, YesNo> yesNo, double loyalty, Averages averages, double prefillSpeedup,
      double firstTokenSpeedup, Difference overRandom) {}

  /** Means of tokens and bytes per question, medians of milliseconds. {@code firstToken} is vision and prefill. */
  public record Averages(double entering, double average, double kvFull, double kvHeld, double vision, double prefill,
      double pruning, double firstToken, double decode, double theoretical) {
    /** What the cache would hold is what it holds without pruning: rows that a cut before the decoder removed never come near the cache. */
    private Averages withFullCacheOf(Averages unpruned) {
      return new Averages(entering, average, unpruned.kvFull, kvHeld, vision, prefill, pruning, firstToken, decode, theoretical);
    }
  }

  /** Precision, recall and F1 of "yes", and the share of answers that say yes (POPE). */
  public record YesNo(double precision, double recall, double f1, double yesShare) {}

  /** A mean difference of scores of the same questions and its standard error. */
  public record Difference(double mean, double error) {}

  private static final List<String> RANDOM = List.of("random", "random layer=0");

  static EvalTable of(List<EvalItem> items, List<EvalRecord> records) {
    Map<String, EvalItem> byId = new LinkedHashMap<>();
    Set<String> families = new LinkedHashSet<>();
    for (EvalItem item : items) {
      byId.put(item.id(), item);
      families.add(item.family());
    }
    Map<String, List<EvalRecord>> groups = new LinkedHashMap<>();
    for (EvalRecord record : records) {
      if (!byId.containsKey(record.id())) continue;
      groups.computeIfAbsent(group(record.variant(), record.budget()), key -> new ArrayList<>()).add(record);
    }
    List<EvalRecord> plain = groups.getOrDefault(group(Variant.NONE.label(), EvalRecord.OWN_SETTINGS), List.of());
    List<Row> rows = new ArrayList<>();
    for (List<EvalRecord> group : groups.values()) {
      int budget = group.get(0).budget();
      List<EvalRecord> random = RANDOM.stream()
          .map(label -> answered(groups.getOrDefault(group(label, budget), List.of())))
          .filter(list -> !list.isEmpty())
          .findFirst().orElse(List.of());
      rows.add(row(byId, group, plain, random));
    }
    rows.sort(Comparator.comparing((Row row) -> !row.variant().equals(Variant.NONE.label())).thenComparing(row -> -row.budget()));
    return new EvalTable(List.copyOf(families), List.copyOf(rows));
  }

  private static String group(String variant, int budget) { return variant + "\n" + budget; }

  private static List<EvalRecord> answered(List<EvalRecord> records) {
    return records.stream().filter(record -> record.refused() == null).toList();
  }

  private static Row row(Map<String, EvalItem> items, List<EvalRecord> group, List<EvalRecord> plain, List<EvalRecord> random) {
    EvalRecord first = group.get(0);
    List<EvalRecord> done = answered(group);
    String reason = group.stream().filter(record -> record.refused() != null).map(EvalRecord::refused).findFirst().orElse(null);
    Map<String, List<EvalRecord>> families = new LinkedHashMap<>();
    for (EvalRecord record : done) families.computeIfAbsent(items.get(record.id()).family(), key -> new ArrayList<>()).add(record);
    Map<String, Double> scores = new LinkedHashMap<>();
    Map<String, YesNo> yesNo = new LinkedHashMap<>();
    families.forEach((family, records) -> {
      scores.put(family, mean(records, EvalRecord::score));
      if (records.stream().allMatch(record -> items.get(record.id()).metric() == Metric.YES_NO)) yesNo.put(family, yesNo(items, records));
    });
    Averages unpruned = averages(matching(plain, done));
    Averages averages = averages(done).withFullCacheOf(unpruned);
    return new Row(first.variant(), first.budget(), done.size(), group.size() - done.size(), reason, mean(done, EvalRecord::score),
        scores, yesNo, mean(done, record -> record.same() ? 1 : 0), averages, unpruned.prefill() / averages.prefill(),
        unpruned.firstToken() / averages.firstToken(), difference(done, random));
  }

  private static Averages averages(List<EvalRecord> done) {
    List<EvalRecord.Measured> all = done.stream().map(EvalRecord::measured).toList();
    return new Averages(mean(all, EvalRecord.Measured::entering), mean(all, EvalRecord.Measured::average),
        mean(all, EvalRecord.Measured::kvFull), mean(all, EvalRecord.Measured::kvHeld),
        median(all, EvalRecord.Measured::vision), median(all, EvalRecord.Measured::prefill), median(all, EvalRecord.Measured::pruning),
        median(all, measured -> measured.vision() + measured.prefill()), median(all, EvalRecord.Measured::decode),
        mean(all, EvalRecord.Measured::theoretical));
  }

  private static List<EvalRecord> matching(List<EvalRecord> from, List<EvalRecord> wanted) {
    Set<String> ids = new LinkedHashSet<>();
    wanted.forEach(record -> ids.add(record.id()));
    return answered(from).stream().filter(record -> ids.contains(record.id())).toList();
  }

  private static Difference difference(List<EvalRecord> done, List<EvalRecord> random) {
    Map<String, Double> baseline = new LinkedHashMap<>();
    random.forEach(record -> baseline.put(record.id(), record.score()));
    double[] gains = done.stream()
        .filter(record -> baseline.containsKey(record.id()))
        .mapToDouble(record -> record.score() - baseline.get(record.id()))
        .toArray();
    double mean = 0;
    for (double gain : gains) mean += gain / gains.length;
    double squares = 0;
    for (double gain : gains) squares += (gain - mean) * (gain - mean);
    return new Difference(gains.length == 0 ? Double.NaN : mean, Math.sqrt(squares / (gains.length - 1.0) / gains.length));
  }

  private static YesNo yesNo(Map<String, EvalItem> items, List<EvalRecord> records) {
    double said = 0;
    double right = 0;
    double hits = 0;
    for (EvalRecord record : records) {
      boolean yes = Metric.saysYes(record.text());
      boolean wanted = Metric.saysYes(items.get(record.id()).answers().get(0));
      said += yes ? 1 : 0;
      right += wanted ? 1 : 0;
      hits += yes && wanted ? 1 : 0;
    }
    return new YesNo(hits / said, hits / right, 2 * hits / (said + right), said / records.size());
  }

  private static <T> double mean(List<T> of, ToDoubleFunction<T> value) {
    return of.stream().mapToDouble(value).average().orElse(Double.NaN);
  }

  /** Of the finite values. */
  private static <T> double median(List<T> of, ToDoubleFunction<T> value) {
    double[] sorted = of.stream().mapToDouble(value).filter(Double::isFinite).sorted().toArray();
    if (sorted.length == 0) return Double.NaN;
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
