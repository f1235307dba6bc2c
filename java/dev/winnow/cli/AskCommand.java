package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import dev.winnow.engine.Answer;
import dev.winnow.engine.Machine;
import dev.winnow.engine.Model;
import dev.winnow.engine.ModelOptions;
import dev.winnow.engine.Question;
import dev.winnow.engine.Sampling;
import dev.winnow.engine.Session;
import dev.winnow.kernels.Dtype;
import dev.winnow.prune.PlanReader;
import dev.winnow.prune.Settings;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code winnow ask}: one conversation with a model. */
@Command(name = "ask", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", sortOptions = false, sortSynopsis = false,
    description = "Asks a model about pictures.",
    customSynopsis = {
        "winnow ask --model DIR { [--image FILE]... --prompt TEXT }... [--method NAME [--set KEY=VALUE]...]",
        "                  [--budget N] [--plan FILE] [OPTIONS]"},
    footerHeading = "%nExamples:%n",
    footer = {
        "  winnow ask --model llava-1.5-7b-hf --image cat.jpg --prompt 'What is on the sofa?'",
        "  winnow ask --model llava-1.5-7b-hf --image cat.jpg --prompt 'Describe it.' --prompt 'Are you sure?'",
        "  winnow ask --model llava-1.5-7b-hf --image a.png --image b.png --prompt 'What differs?' --budget 192 \\",
        "             --method pyramiddrop --trace run.json",
        "  winnow ask --model llava-1.5-7b-hf --image cat.jpg --prompt 'Describe it.' --method fastv \\",
        "             --set layer=3 --set ratio=0.75"})
final class AskCommand implements Callable<Integer>, TurnsParser.Holder {
  @Option(names = "--model", required = true, paramLabel = "DIR", description = "Checkpoint folder, as published on Hugging Face.")
  private Path model;

  @Option(names = "--image", paramLabel = "FILE", parameterConsumer = TurnsParser.class,
      description = "Picture (PNG, JPEG or GIF) of the turn that the next --prompt closes; may be repeated.")
  private List<String> images;

  @Option(names = "--video", paramLabel = "DIR", parameterConsumer = TurnsParser.class, hidden = true)
  private List<String> videos;

  @Option(names = "--prompt", paramLabel = "TEXT", parameterConsumer = TurnsParser.class,
      description = "What the user says. Each --prompt is one turn; turns are asked in order in one session.")
  private List<String> prompts;

  @Option(names = "--raw-prompt", description = "Take the prompts as they are, with <image> placeholders, and apply no chat format.")
  private boolean raw;

  @Option(names = "--method", paramLabel = "NAME", defaultValue = "none",
      description = "Pruning method (see 'winnow methods'). Default: ${DEFAULT-VALUE}.")
  private String method;

  @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Sets a parameter of the method; may be repeated.")
  private List<String> settings = List.of();

  @Option(names = "--budget", paramLabel = "N",
      description = "Visual tokens to hold per picture, on average over the decoder's layers; the method's parameters follow from it.")
  private Integer budget;

  @Option(names = "--plan", paramLabel = "FILE",
      description = "Prune by a plan file, which mixes cuts of any place and parts (docs/plans.md), instead of --method.")
  private Path plan;

  @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "" + Question.DEFAULT_MAX_TOKENS,
      description = "Most tokens to generate per turn. Default: ${DEFAULT-VALUE}.")
  private int maxTokens;

  @Option(names = "--dtype", paramLabel = "TYPE", description = "float32, bfloat16 or float16. Default: that of the checkpoint.")
  private String dtype;

  @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "cpu", description = "cpu, cuda or cuda:N. Default: ${DEFAULT-VALUE}.")
  private String device;

  @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
      description = "CPU threads. Default: the processors that this process may use.")
  private int threads;

  @Option(names = "--seed", paramLabel = "N", defaultValue = "0",
      description = "Seed for --temperature; the same seed gives the same answer. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(names = "--temperature", paramLabel = "T", defaultValue = "0",
      description = "0 takes the most likely token, always; larger values vary more. Default: ${DEFAULT-VALUE}.")
  private double temperature;

  @Option(names = "--top-p", paramLabel = "P", defaultValue = "1",
      description = "Draw from the most likely tokens whose probabilities add up to P. Default: ${DEFAULT-VALUE}, all.")
  private double topP;

  @Option(names = "--top-k", paramLabel = "K", defaultValue = "0",
      description = "Draw from the K most likely tokens. Default: ${DEFAULT-VALUE}, all.")
  private int topK;

  @Option(names = "--trace", paramLabel = "FILE",
      description = "Write one JSON object per turn: prompt ids, kept tokens of each cut, cache lengths, times. '-': standard output,"
          + " and the answer goes to the error stream.")
  private String trace;

  @Option(names = "--trace-scores", description = "Put the scores of each cut into the trace.")
  private boolean traceScores;

  @Option(names = "--trace-logits", description = "Put the logits of the first token into the trace.")
  private boolean traceLogits;

  @Option(names = "--quiet", description = "Print nothing but the answer.")
  private boolean quiet;

  private final TurnsParser turns = new TurnsParser();
  private final Console console;

  AskCommand(Console console) { this.console = console; }

  @Override public TurnsParser turns() { return turns; }

  @Override public Integer call() {
    List<Question> questions = questions();
    ModelOptions options = new ModelOptions(dtype == null ? null : Dtype.of(dtype), device, threads);
    try (TraceFile traces = TraceFile.open(trace, console);
        Model opened = Model.open(model, options, questions);
        Session session = opened.newSession()) {
      int wanted = threads == 0 ? Machine.processors() : threads;
      if (opened.threads() < wanted) {
        console.note("computing with " + opened.threads() + " instead of " + wanted
            + " threads: the process limit (ulimit -u, or the container's) leaves no room for more");
      }
      for (Question question : questions) {
        Answer answer = session.ask(question);
        if (answerStream() != null) answerStream().println();
        if (traces != null) traces.write(opened, answer, traceScores, traceLogits);
        if (!quiet) Summary.print(opened, answer, console);
      }
    }
    return Winnow.DONE;
  }

  /** Where the answer's text goes; null for nowhere: {@code --quiet --trace -} leaves it to the trace. */
  private PrintStream answerStream() {
    if (!"-".equals(trace)) return console.out();
    return quiet ? null : console.err();
  }

  /** Made before the model is opened, so that what is wrong with them is said at once. */
  private List<Question> questions() {
    if (plan != null && (!method.equals("none") || !settings.isEmpty() || budget != null)) {
      throw new InvalidInputException("--plan says all that --method, --set and --budget say; leave those out");
    }
    PlanReader planFile = plan == null ? null : PlanReader.open(plan);
    Map<String, String> values = Settings.typed(settings);
    Sampling sampling = new Sampling(temperature, topP, topK, seed);
    List<Question> questions = new ArrayList<>();
    for (TurnsParser.Turn turn : turns.finish()) {
      Question question = Question.of(turn.text()).method(method).maxTokens(maxTokens).sampling(sampling).listener(this::say);
      if (raw) question.raw();
      turn.images().forEach(question::image);
      values.forEach(question::set);
      if (budget != null) question.budget(budget);
      if (planFile != null) question.plan(planFile);
      questions.add(question);
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
