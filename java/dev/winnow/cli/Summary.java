package dev.winnow.cli;

import dev.winnow.calibrate.BudgetTarget;
import dev.winnow.decoder.Segment;
import dev.winnow.engine.Answer;
import dev.winnow.engine.Model;
import dev.winnow.engine.Report;
import dev.winnow.prune.CutRecord;
import java.util.Set;
import java.util.stream.Collectors;

/** What an answer cost and what pruning did to it, in a few lines for people. */
final class Summary {
  private Summary() {}

  /** @param choice the budget that was chosen for a target; null for none */
  static void print(Model model, Answer answer, BudgetTarget.Choice choice, Console console) {
    Report report = answer.report();
    Report.Timing timing = report.timing();
    int visual = report.segments().stream().filter(segment -> !segment.isText()).mapToInt(Segment::length).sum();
    console.note(Format.of("%s, %s, %d threads: prompt of %d tokens, %d of them visual; %d generated (%s)", model.dtype().label,
        model.device(), model.threads(), report.length(), visual, answer.ids().length, ending(answer.finish())));
    if (choice != null) console.note(expected(choice, report));
    if (!report.cuts().isEmpty()) console.note(report.plan().method() + ": " + cuts(report));
    console.note(Format.of("KV cache %s held, %s freed; first token after %s (picture %s, tower %s, prompt %s, of it pruning %s)%s",
        Format.bytes(report.kv().bytesHeld()), Format.bytes(report.kv().bytesFreed()), Format.millis(timing.firstToken()),
        Format.millis(timing.image()), Format.millis(timing.vision()), Format.millis(timing.prompt()), Format.millis(timing.pruning()),
        timing.decodedTokens() == 0 ? "" : Format.of(", then %.1f tokens/s", timing.tokensPerSecond())));
  }

  private static String expected(BudgetTarget.Choice choice, Report report) {
    String time = Double.isNaN(choice.millis()) ? "" : Format.of(", vision and prompt %s, took %s", Format.millis(choice.millis()),
        Format.millis(report.timing().vision() + report.timing().prompt()));
    return Format.of("budget %d for the target; expected: KV cache %s, holds %s%s", choice.budget(), Format.bytes(choice.kvBytes()),
        Format.bytes(report.kv().bytesHeld()), time);
  }

  /** "layer:2 576 -> 288, layer:4 288 -> 144", with the picture's or video's number where there are several. */
  private static String cuts(Report report) {
    boolean several = report.cuts().stream().mapToInt(CutRecord::image).distinct().count() > 1;
    Set<Integer> videos = report.segments().stream().filter(Segment::video).map(Segment::image).collect(Collectors.toSet());
    return report.cuts().stream()
        .map(cut -> (!several ? "" : (videos.contains(cut.image()) ? "video " : "image ") + cut.image() + " ")
            + cut.site() + " " + cut.before() + " -> " + cut.after())
        .collect(Collectors.joining(", "));
  }

  private static String ending(Answer.Finish finish) {
    return switch (finish) {
      case STOP -> "complete";
      case LENGTH -> "ended by --max-tokens or the model's length";
      case CANCELLED -> "cancelled";
    };
  }
}
