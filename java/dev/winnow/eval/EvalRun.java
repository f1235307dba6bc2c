package dev.winnow.eval;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import dev.winnow.engine.Answer;
import dev.winnow.engine.Model;
import dev.winnow.engine.Question;
import dev.winnow.engine.Session;
import dev.winnow.prune.Plan;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Asks every question of a data set under every variant and budget, question by question, so that whatever slows the machine down slows all
 * of them. The unpruned model comes first, and the baselines {@code random} and {@code uniform} always take part: at the layer of their
 * defaults where the budget can be met there, else at layer 0. One thread.
 */
public final class EvalRun {
  /** Hears how far a run is. */
  @FunctionalInterface
  public interface Progress {
    /** @param done questions of {@code of} that are finished */
    void at(int done, int of);
  }

  /**
   * How questions are asked.
   *
   * @param suffix text added after each question, such as "\nAnswer the question using a single word or phrase."
   * @param maxTokens most tokens of an answer
   */
  public record Asking(String suffix, int maxTokens) {}

  private static final List<String> BASELINES = List.of("random", "uniform");

  private final Model model;
  private final List<EvalItem> items;
  private final List<Variant> variants;
  /** Plan files; they bring their own budgets. */
  private final List<Variant> files;
  private final List<Integer> budgets;
  private final Asking asking;
  private final Map<String, EvalRecord> records = new LinkedHashMap<>();
  private final Map<String, PlanOrReason> plans = new HashMap<>();

  /** A plan, or why there is none. */
  private record PlanOrReason(Plan plan, String reason) {}

  /** @param budgets tokens of each picture on average over the decoder's layers; empty for each method's own settings */
  public EvalRun(Model model, List<EvalItem> items, List<Variant> variants, List<Integer> budgets, Asking asking) {
    this.model = model;
    this.items = items;
    Set<Variant> all = new LinkedHashSet<>(variants);
    Set<String> labels = new HashSet<>();
    for (Variant variant : all) {
      if (labels.add(variant.label())) continue;
      throw new InvalidInputException("two files are called '" + variant.label() + "'; rename one of them");
    }
    for (String baseline : BASELINES) all.add(Variant.parse(baseline));
    all.removeIf(variant -> variant.method().equals(Variant.NONE.method()));
    this.variants = all.stream().filter(variant -> variant.file() == null).toList();
    this.files = all.stream().filter(variant -> variant.file() != null).toList();
    this.budgets = budgets.isEmpty() ? List.of(EvalRecord.OWN_SETTINGS) : List.copyOf(budgets);
    this.asking = asking;
  }

  /**
   * Runs what {@code results} does not hold yet.
   *
   * @param data the file that the questions came from
   * @return the table of everything
   */
  public EvalTable run(Path data, Path results, Progress progress) {
    try (ResultFile file = new ResultFile(results, header(data))) {
      int line = 1;
      for (JsonNode node : file.lines()) {
        EvalRecord record = EvalRecord.read(node, results + " line " + ++line);
        records.put(record.key(), record);
      }
      boolean warm = false;
      for (int i = 0; i < items.size(); i++) {
        progress.at(i, items.size());
        warm |= item(items.get(i), file, warm);
      }
      progress.at(items.size(), items.size());
    }
    return EvalTable.of(items, List.copyOf(records.values()));
  }

  private ObjectNode header(Path data) {
    ObjectNode header = Texts.object().put("format", "winnow.eval/1").put("family", model.config().family());
    header.put("layers", layers()).put("hidden", model.config().text().hidden());
    header.put("dtype", model.dtype().label).put("device", model.device()).put("threads", model.threads());
    // without it methods were refused, with another one they kept other tokens
    if (model.clip() != null) header.put("clip", String.valueOf(model.clip().toAbsolutePath().normalize().getFileName()));
    return header.put("data", data.getFileName().toString()).put("suffix", asking.suffix()).put("max_tokens", asking.maxTokens());
  }

  private int layers() { return model.config().text().layers(); }

  /** Whether anything was computed. */
  private boolean item(EvalItem item, ResultFile results, boolean warm) {
    String label = Variant.NONE.label();
    EvalRecord plain = records.get(EvalRecord.key(label, EvalRecord.OWN_SETTINGS, item.id()));
    boolean worked = false;
    if (plain == null) {
      try {
        // the first question pays for loading code and pages; it is not timed
        if (!warm) ask(item, Plan.NONE);
        Answer answer = ask(item, Plan.NONE);
        plain = EvalRecord.of(label, EvalRecord.OWN_SETTINGS, item, answer, answer.text(), imageTokens(answer), layers());
        worked = true;
      } catch (InvalidInputException e) {
        plain = EvalRecord.refused(label, EvalRecord.OWN_SETTINGS, item.id(), e.getMessage());
      }
      keep(plain, results);
    }
    if (plain.refused() != null) return worked;
    for (int budget : budgets) {
      for (Variant variant : variants) worked |= pruned(item, variant, budget, plain, results, warm || worked);
    }
    for (Variant file : files) worked |= pruned(item, file, EvalRecord.OWN_SETTINGS, plain, results, warm || worked);
    return worked;
  }

  private boolean pruned(EvalItem item, Variant variant, int budget, EvalRecord plain, ResultFile file, boolean warm) {
    PlanOrReason plan = plan(variant, budget, plain.imageTokens());
    boolean baseline = BASELINES.contains(variant.method()) && variant.settings().isEmpty();
    if (plan.plan() == null && baseline) {
      pruned(item, Variant.parse(variant.method() + " layer=0"), budget, plain, file, warm);
      return true;
    }
    if (records.containsKey(EvalRecord.key(variant.label(), budget, item.id()))) return false;
    EvalRecord record;
    if (plan.plan() == null) {
      record = EvalRecord.refused(variant.label(), budget, item.id(), plan.reason());
    } else {
      try {
        if (!warm) ask(item, plan.plan());
        Answer answer = ask(item, plan.plan());
        record = EvalRecord.of(variant.label(), budget, item, answer, plain.text(), plain.imageTokens(), layers());
      } catch (InvalidInputException e) {
        record = EvalRecord.refused(variant.label(), budget, item.id(), e.getMessage());
      }
    }
    keep(record, file);
    return record.refused() == null;
  }

  private PlanOrReason plan(Variant variant, int budget, int imageTokens) {
    return plans.computeIfAbsent(EvalRecord.key(variant.label(), budget, String.valueOf(imageTokens)), key -> {
      OptionalInt wanted = budget == EvalRecord.OWN_SETTINGS ? OptionalInt.empty() : OptionalInt.of(budget);
      try {
        return new PlanOrReason(variant.plan(model.shape(), wanted, imageTokens), null);
      } catch (InvalidInputException e) {
        return new PlanOrReason(null, e.getMessage());
      }
    });
  }

  private void keep(EvalRecord record, ResultFile file) {
    records.put(record.key(), record);
    file.append(record.toJson());
  }

  private Answer ask(EvalItem item, Plan plan) {
    Question question = Question.of(item.question() + asking.suffix()).plan(plan).maxTokens(asking.maxTokens());
    if (item.image() != null) question.image(item.image());
    try (Session session = model.newSession()) {
      return session.ask(question);
    }
  }

  private static int imageTokens(Answer answer) {
    return answer.report().segments().stream().filter(segment -> !segment.isText()).mapToInt(segment -> segment.length()).max().orElse(0);
  }
}
