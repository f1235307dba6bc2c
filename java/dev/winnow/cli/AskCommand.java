package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import dev.winnow.calibrate.BudgetTarget;
import dev.winnow.engine.Answer;
import dev.winnow.engine.Machine;
import dev.winnow.engine.Model;
import dev.winnow.engine.ModelOptions;
import dev.winnow.engine.Question;
import dev.winnow.engine.Session;
import dev.winnow.prune.PlanReader;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code winnow ask}: one conversation with a model. */
@Command(name = "ask", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", sortOptions = false, sortSynopsis = false,
    description = "Asks a model about pictures and videos.",
    customSynopsis = {
        "winnow ask --model DIR { [--image FILE]... [--video DIR]... --prompt TEXT }... [--frames N]",
        "                  [--method NAME [--set KEY=VALUE]...]",
        "                  [--budget N | --target-kv-mb MIB | --target-ms MS] [--plan FILE] [OPTIONS]"},
    footerHeading = "%nExamples:%n",
    footer = {
        "  winnow ask --model llava-1.5-7b-hf --image cat.jpg --prompt 'What is on the sofa?'",
        "  winnow ask --model llava-1.5-7b-hf --image cat.jpg --prompt 'Describe it.' --prompt 'Are you sure?'",
        "  winnow ask --model llava-1.5-7b-hf --image a.png --image b.png --prompt 'What differs?' --budget 192 \\",
        "             --method pyramiddrop --trace run.json",
        "  winnow ask --model LLaVA-NeXT-Video-7B-hf --video frames --frames 16 --prompt 'What happens?' \\",
        "             --method pyramiddrop",
        "  winnow ask --model llava-1.5-7b-hf --image cat.jpg --prompt 'Describe it.' --method fastv \\",
        "             --set layer=3 --set ratio=0.75",
        "  winnow ask --model llava-1.5-7b-hf --image cat.jpg --prompt 'Describe it.' --method fastv --target-kv-mb 200"})
final class AskCommand implements Callable<Integer>, TurnsParser.Holder {
  @Mixin private ModelMixin model;

  @Option(names = "--image", paramLabel = "FILE", parameterConsumer = TurnsParser.class,
      description = "Picture (PNG, JPEG or GIF) of the turn that the next --prompt closes; may be repeated.")
  private List<String> images;

  @Option(names = "--video", paramLabel = "DIR", parameterConsumer = TurnsParser.class,
      description = "Video of the turn that the next --prompt closes: a folder of its frames, pictures of one size, in the order of their"
          + " names; may be repeated. The prompt has the videos of a turn behind its pictures.")
  private List<String> videos;

  @Option(names = "--frames", paramLabel = "N",
      description = "Take at most N frames of each video, evenly spread, the first and the last among them. Default: all.")
  private Integer frames;

  @Option(names = "--prompt", paramLabel = "TEXT", parameterConsumer = TurnsParser.class,
      description = "What the user says. Each --prompt is one turn; turns are asked in order in one session.")
  private List<String> prompts;

  @Option(names = "--raw-prompt", description = "Take the prompts as they are, with <image> and <video> placeholders, and"
      + " apply no chat format.")
  private boolean raw;

  @Mixin private PruningMixin pruning;

  @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "" + Question.DEFAULT_MAX_TOKENS,
      description = "Most tokens to generate per turn. Default: ${DEFAULT-VALUE}.")
  private int maxTokens;

  @Mixin private DtypeMixin dtype;

  @Mixin private SamplingMixin sampling;

  @Mixin private TraceMixin trace;

  @Option(names = "--quiet", description = "Print nothing but the answer.")
  private boolean quiet;

  private final TurnsParser turns = new TurnsParser();
  private final Console console;

  AskCommand(Console console) { this.console = console; }

  @Override public TurnsParser turns() { return turns; }

  @Override public Integer call() {
    List<Question> questions = questions();
    ModelOptions options = model.in(dtype.dtype());
    try (TraceFile traces = trace.open(console);
        Model opened = Model.open(model.folder(), options, questions);
        Session session = opened.newSession()) {
      int wanted = model.threads() == 0 ? Machine.processors() : model.threads();
      if (opened.threads() < wanted) {
        console.note("computing with " + opened.threads() + " instead of " + wanted
            + " threads: the process limit (ulimit -u, or the container's) leaves no room for more");
      }
      BudgetTarget target = pruning.target(opened);
      for (Question question : questions) {
        BudgetTarget.Choice choice = target == null ? null : pruning.choose(target, opened, session.size(question));
        if (choice != null) question.budget(choice.budget());
        Answer answer = session.ask(question);
        if (answerStream() != null) answerStream().println();
        if (traces != null) traces.write(opened, answer, choice);
        if (!quiet) Summary.print(opened, answer, choice, console);
      }
    }
    return Winnow.DONE;
  }

  /** Where the answer's text goes; null for nowhere: {@code --quiet --trace -} leaves it to the trace. */
  private PrintStream answerStream() {
    if (!trace.toStandardOutput()) return console.out();
    return quiet ? null : console.err();
  }

  /** Made before the model is opened, so that what is wrong with them is said at once. */
  private List<Question> questions() {
    pruning.check();
    PlanReader planFile = pruning.file();
    List<Question> questions = new ArrayList<>();
    boolean hasVideo = false;
    for (TurnsParser.Turn turn : turns.finish()) {
      Question question = Question.of(turn.text()).maxTokens(maxTokens).sampling(sampling.sampling()).listener(this::say);
      if (raw) question.raw();
      turn.images().forEach(question::image);
      for (Path video : turn.videos()) {
        if (frames == null) question.video(video);
        else question.video(video, frames);
        hasVideo = true;
      }
      questions.add(pruning.apply(question, planFile));
    }
    if (frames != null && !hasVideo) {
      throw new InvalidInputException("--frames says how many frames of a --video to take; give one, or leave it out");
    }
    return questions;
  }

  private void say(String text) {
    PrintStream stream = answerStream();
    if (stream == null) return;
    stream.print(text);
    if (stream.checkError()) throw new WinnowException("the answer cannot be written: the output was closed or is full");
  }
}
