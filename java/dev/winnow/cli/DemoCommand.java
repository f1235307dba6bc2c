package dev.winnow.cli;

import dev.winnow.decoder.Segment;
import dev.winnow.engine.Answer;
import dev.winnow.engine.Model;
import dev.winnow.engine.ModelOptions;
import dev.winnow.engine.Question;
import dev.winnow.engine.Report;
import dev.winnow.engine.Session;
import dev.winnow.vision.RgbImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code winnow demo}: the embedded model on embedded pictures, with and without pruning. */
@Command(name = "demo", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", sortOptions = false,
    description = "Asks the small model that ships inside about pictures that ship inside, without pruning and pruned by two methods,"
        + " and sets side by side what it answers, how many visual tokens each layer holds, and what that costs in memory and time."
        + " Writes a PNG per picture and method with the removed patches dimmed, stage by stage. Needs no network.",
    footerHeading = "%nExamples:%n", footer = {"  winnow demo", "  winnow demo --out /tmp/pruned"})
final class DemoCommand implements Callable<Integer> {
  private static final List<String> METHODS = List.of("none", "pyramiddrop", "fastv");
  private static final List<String> QUESTIONS = List.of("Describe the image.", "What does the sign say?");
  private static final int MAX_TOKENS = 96;

  @Option(names = "--out", paramLabel = "DIR", defaultValue = "winnow-demo",
      description = "Folder for the PNGs. Default: ./${DEFAULT-VALUE}.")
  private Path out;

  @Mixin private ThreadsMixin threads;

  private final Console console;

  DemoCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    ModelOptions options = new ModelOptions(null, "cpu", threads.count());
    OutFolder.prepare(out);
    try (BundledModel bundled = BundledModel.unpack(); Model model = Model.open(bundled.folder(), options)) {
      console.out().println(Format.of("A LLaVA of %d decoder layers in %s on %d threads, loaded in %s.",
          model.shape().layers(), model.dtype().label, model.threads(), Format.millis(model.loadMillis())));
      List<RgbImage> pictures = DemoPictures.all();
      ask(model, "none", pictures.get(0)); // the first answer also pays for loading code
      for (int i = 0; i < pictures.size(); i++) compare(model, pictures.get(i), i + 1);
      console.out().println("\nThe PNGs in " + out.toAbsolutePath().normalize() + " show which patches each stage keeps.");
    }
    return Winnow.DONE;
  }

  private void compare(Model model, RgbImage picture, int number) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("method", "visual tokens by layer", "KV cache", "first token", "all"));
    StringBuilder answers = new StringBuilder();
    for (String method : METHODS) {
      List<Answer> turns = ask(model, method, picture);
      Report report = turns.get(0).report();
      int visual = report.segments().stream().filter(segment -> !segment.isText()).mapToInt(Segment::length).sum();
      rows.add(List.of(method, layers(report, visual), Format.bytes(report.kv().bytesHeld()), Format.millis(report.timing().firstToken()),
          Format.millis(turns.stream().mapToDouble(DemoCommand::total).sum())));
      for (int i = 0; i < turns.size(); i++) {
        answers.append(Format.of("%-12s", i == 0 ? method : "")).append(turns.get(i).text()).append('\n');
      }
      Path file = out.resolve("picture-" + number + "-" + method + ".png");
      if (!report.cuts().isEmpty()) StagePicture.write(picture, visual, report.cuts(), file);
    }
    console.out().println(Format.of("%nPicture %d: \"%s\" \"%s\"", number, QUESTIONS.get(0), QUESTIONS.get(1)));
    console.out().print(answers);
    console.out().print(Format.table(rows));
  }

  private static double total(Answer answer) { return answer.report().timing().firstToken() + answer.report().timing().decode(); }

  /** The questions as turns of one session. */
  private static List<Answer> ask(Model model, String method, RgbImage picture) {
    List<Answer> answers = new ArrayList<>();
    try (Session session = model.newSession()) {
      for (String text : QUESTIONS) {
        Question question = Question.of(text).method(method).maxTokens(MAX_TOKENS);
        answers.add(session.ask(answers.isEmpty() ? question.image(picture) : question));
      }
    }
    return answers;
  }

  /** "576 x2, 288 x3": tokens, and how many layers in a row hold them. */
  private static String layers(Report report, int visual) {
    int text = report.length() - visual;
    int[] lengths = report.kv().lengthsAfterPrompt();
    List<String> runs = new ArrayList<>();
    int begin = 0;
    for (int layer = 1; layer <= lengths.length; layer++) {
      if (layer < lengths.length && lengths[layer] == lengths[begin]) continue;
      runs.add((lengths[begin] - text) + " x" + (layer - begin));
      begin = layer;
    }
    return String.join(", ", runs);
  }
}
