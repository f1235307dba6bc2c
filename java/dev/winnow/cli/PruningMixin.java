package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import dev.winnow.calibrate.BudgetTarget;
import dev.winnow.calibrate.CostFile;
import dev.winnow.engine.Model;
import dev.winnow.engine.PromptSize;
import dev.winnow.engine.Question;
import dev.winnow.eval.Variant;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.prune.PlanReader;
import dev.winnow.prune.Settings;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import picocli.CommandLine.Option;

/** What to prune by: a method, its parameters and budget or a target that the budget follows from, or a plan file. */
final class PruningMixin {
  static final double MIB = 1 << 20;
  static final String UNPRUNED = "none";

  @Option(names = "--method", paramLabel = "NAME", description = "Pruning method (see 'winnow methods'). Default: " + UNPRUNED + ".")
  private String method;

  @Option(names = "--set", paramLabel = "KEY=VALUE",
      description = "Sets a parameter of the method (see 'winnow methods NAME'); may be repeated. What says how many tokens stay may not"
          + " contradict --budget.")
  private List<String> settings = List.of();

  @Option(names = "--budget", paramLabel = "N",
      description = "Visual tokens to hold per picture, on average over the decoder's layers; the method's parameters follow from it.")
  private Integer budget;

  @Option(names = "--target-kv-mb", paramLabel = "MIB",
      description = "Take the largest budget with which the KV cache holds at most MIB mebibytes when the prompt is done, text and room for"
          + " the answer included.")
  private Double targetMib;

  @Option(names = "--target-ms", paramLabel = "MS",
      description = "Take the largest budget with which vision and prompt are expected to take at most MS milliseconds, by the costs that"
          + " 'winnow calibrate cost' measured here, pruning by this method included. Decoding the picture is not counted.")
  private Double targetMillis;

  @Option(names = "--cost", paramLabel = "FILE",
      description = "With --target-ms: the measured costs. Default: the file in the cache folder.")
  private Path cost;

  @Option(names = "--plan", paramLabel = "FILE",
      description = "Prune by a plan file, which mixes cuts of any place and parts (docs/plans.md), instead of --method.")
  private Path plan;

  /** Throws where options contradict each other. */
  void check() {
    boolean target = targetMib != null || targetMillis != null;
    if (plan != null && (method != null || !settings.isEmpty() || budget != null || target)) {
      throw new InvalidInputException("--plan says all that --method, --set, --budget and targets say; leave those out");
    }
    if (target && budget != null) throw new InvalidInputException("--target-kv-mb and --target-ms choose the budget; leave --budget out");
    if (!settings.isEmpty() && method == null) {
      throw new InvalidInputException("--set " + settings.get(0) + " sets a parameter of a --method; name one");
    }
    if (budget != null && method == null) throw new InvalidInputException("--budget says how much a --method keeps; name one");
    String counts = Methods.named(method()).counts(Settings.typed(settings));
    if (target && !counts.isEmpty()) {
      throw new InvalidInputException("--target-kv-mb and --target-ms choose how many tokens stay; leave --set " + counts + " out");
    }
    if (target && method().equals(UNPRUNED)) throw new InvalidInputException("--target-kv-mb and --target-ms need a --method to prune by");
    if (cost != null && targetMillis == null) throw new InvalidInputException("--cost is of no use without --target-ms");
    if (target) new BudgetTarget(targetBytes(), targetMillis(), null);
  }

  private String method() { return method == null ? UNPRUNED : method; }

  private double targetBytes() { return targetMib == null ? Double.POSITIVE_INFINITY : targetMib * MIB; }

  private double targetMillis() { return targetMillis == null ? Double.POSITIVE_INFINITY : targetMillis; }

  /** The plan file; null without one. */
  PlanReader file() { return plan == null ? null : PlanReader.open(plan); }

  /** @param file as {@link #file} gave it */
  Question apply(Question question, PlanReader file) {
    question.method(method());
    Settings.typed(settings).forEach(question::set);
    if (budget != null) question.budget(budget);
    return file == null ? question : question.plan(file);
  }

  /** What the budget is chosen by; null where none is to be chosen. */
  BudgetTarget target(Model model) {
    if (targetMib == null && targetMillis == null) return null;
    Path file = cost == null ? CostFile.standard(model) : cost;
    Variant variant = new Variant(method(), method(), Settings.typed(settings), null);
    return new BudgetTarget(targetBytes(), targetMillis(), targetMillis == null ? null : CostFile.read(file, model, variant));
  }

  /** The budget that meets the target for a question of this size; null where there is no picture to prune. */
  BudgetTarget.Choice choose(BudgetTarget target, Model model, PromptSize size) {
    if (target == null || size.images().length == 0) return null;
    Method chosen = Methods.named(method());
    Map<String, String> given = Settings.typed(settings);
    int largest = Arrays.stream(size.images()).max().getAsInt();
    return target.choose(size, model.config().text(), model.dtype(),
        tokens -> chosen.plan(model.shape(), given, OptionalInt.of(tokens), largest));
  }
}
