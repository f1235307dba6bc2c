package dev.winnow.cli;

import dev.winnow.InsufficientMemoryException;
import dev.winnow.InvalidInputException;
import dev.winnow.Suggestion;
import dev.winnow.WholeNumber;
import dev.winnow.WinnowException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line. Every command is a {@code Callable<Integer>} that returns its exit status; what it throws becomes one line on the error
 * stream and a status here: 2 for bad arguments or inputs, 3 for too little memory, 1 for anything else.
 */
@Command(name = "winnow", mixinStandardHelpOptions = true, versionProvider = Version.class, sortOptions = false,
    commandListHeading = "%nCommands:%n", optionListHeading = "%nOptions:%n",
    description = "Asks LLaVA-family models about pictures, and removes the visual tokens that do not matter while they run.",
    footerHeading = "%nExamples:%n",
    footer = {
        "  winnow demo",
        "  winnow ask --model DIR --image photo.jpg --prompt 'What is this?'",
        "  winnow ask --model DIR --image photo.jpg --prompt 'What is this?' --method pyramiddrop",
        "",
        "'winnow COMMAND --help' tells about a command.",
        "Exit status: 0 done, 2 bad arguments or inputs, 3 not enough memory, 1 anything else.",
        "WINNOW_DEBUG=1 in the environment shows the stack trace of an error."})
public final class Winnow implements Callable<Integer> {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int BAD_INPUT = 2;
  static final int NO_MEMORY = 3;
  private static final char SUBSTITUTE = '\uFFFD';

  @Spec private CommandSpec spec;

  private Winnow() {}

  /** Ends the JVM with the exit status. */
  public static void main(String[] args) {
    OrderlyExit exit = new OrderlyExit();
    int status = run(args, Console.system());
    exit.done();
    System.exit(status);
  }

  /** Runs one command line in this JVM and returns its exit status. */
  static int run(String[] args, Console console) {
    // pictures are drawn into memory; a display that cannot be reached must not matter
    if (System.getProperty("java.awt.headless") == null) System.setProperty("java.awt.headless", "true");
    CommandLine line = commandLine(console);
    try {
      checkText(args);
      ParseResult parsed = line.parseArgs(args);
      Integer help = CommandLine.executeHelpRequest(parsed);
      if (help != null) return help;
      return command(parsed).call();
    } catch (ParameterException e) {
      console.note(complaint(e) + "; see " + e.getCommandLine().getCommandSpec().qualifiedName() + " --help");
      return BAD_INPUT;
    } catch (Throwable e) {
      return failed(e, console);
    } finally {
      console.out().flush();
      console.err().flush();
    }
  }

  private static CommandLine commandLine(Console console) {
    CommandLine line = new CommandLine(new Winnow());
    line.addSubcommand(new AskCommand(console));
    line.addSubcommand(new DemoCommand(console));
    line.addSubcommand(new MethodsCommand(console));
    line.addSubcommand(new InfoCommand(console));
    line.addSubcommand(new ConformCommand(console));
    line.addSubcommand(new EvalCommand(console));
    line.addSubcommand(new ExplainCommand(console));
    line.addSubcommand(CalibrateCommand.with(console));
    line.addSubcommand(new CommandLine(new BenchCommand(console)).addSubcommand(new BenchKernelsCommand(console)));
    line.registerConverter(int.class, Winnow::whole).registerConverter(Integer.class, Winnow::whole);
    line.registerConverter(long.class, text -> WholeNumber.wide(text, TypeConversionException::new));
    line.registerConverter(double.class, Winnow::number).registerConverter(Double.class, Winnow::number);
    line.setExpandAtFiles(false); // an argument that begins with @ is text like any other
    line.setOut(new PrintWriter(console.out(), true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(console.err(), true, StandardCharsets.UTF_8));
    line.setUsageHelpWidth(110);
    return line;
  }

  private static int whole(String text) { return WholeNumber.small(text, TypeConversionException::new); }

  private static double number(String text) {
    try {
      double value = Double.parseDouble(text);
      if (Double.isFinite(value)) return value;
    } catch (NumberFormatException e) {
      // said below
    }
    throw new TypeConversionException(text.isBlank() ? "the value is empty; give a number" : "'" + text + "' is not a finite number");
  }

  private static String complaint(ParameterException e) {
    if (!(e instanceof UnmatchedArgumentException unmatched)) return firstLine(e.getMessage());
    CommandSpec command = e.getCommandLine().getCommandSpec();
    String word = unmatched.getUnmatched().get(0);
    if (word.startsWith("-")) return "unknown option '" + word + "'" + Suggestion.of(word, command.optionsMap().keySet());
    boolean setting = word.contains("=") && command.optionsMap().containsKey("--set");
    if (setting) return "'" + word + "' belongs to no option, perhaps --set " + word;
    if (command.subcommands().isEmpty()) return "'" + word + "' belongs to no option";
    return "unknown command '" + word + "'" + Suggestion.of(word, command.subcommands().keySet());
  }

  @SuppressWarnings("unchecked") // every command implements it
  private static Callable<Integer> command(ParseResult parsed) {
    ParseResult innermost = parsed;
    while (innermost.hasSubcommand()) innermost = innermost.subcommand();
    return (Callable<Integer>) innermost.commandSpec().userObject();
  }

  /** Java replaces what it cannot decode without a word, and the model would be asked something else. */
  private static void checkText(String[] args) {
    for (String arg : args) {
      if (arg.indexOf(SUBSTITUTE) >= 0) {
        throw new InvalidInputException("the argument '" + arg + "' could not be decoded as "
            + System.getProperty("sun.jnu.encoding", "text") + "; give UTF-8 text and start with bin/winnow, or set LC_ALL=C.UTF-8");
      }
    }
  }

  /** Without a command. */
  @Override public Integer call() { throw new ParameterException(spec.commandLine(), "no command given"); }

  private static int failed(Throwable e, Console console) {
    if (System.getenv("WINNOW_DEBUG") != null) e.printStackTrace(console.err());
    String message = firstLine(e.getMessage());
    if (e instanceof InvalidInputException) return status(BAD_INPUT, message, console);
    if (e instanceof InsufficientMemoryException) return status(NO_MEMORY, message, console);
    if (e instanceof WinnowException) return status(FAILED, message, console);
    if (e instanceof OutOfMemoryError || message.contains("allocate memory") || message.contains("out of memory")) {
      String remedy = message.contains("maxPhysicalBytes") ? "set WINNOW_JAVA_OPTS=-Dorg.bytedeco.javacpp.maxPhysicalBytes=0"
          : "raise -Xmx with WINNOW_JAVA_OPTS, use a smaller model or a larger machine";
      return status(NO_MEMORY, "out of memory (" + message + "); " + remedy, console);
    }
    return status(FAILED, "unexpected " + e.getClass().getSimpleName() + ": " + message + "; set WINNOW_DEBUG=1 to see where", console);
  }

  private static int status(int status, String message, Console console) {
    console.note(message);
    return status;
  }

  private static String firstLine(String message) { return String.valueOf(message).lines().findFirst().orElse("no reason given"); }
}
