package dev.winnow.cli;

import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.prune.Parameter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code winnow methods}: what there is to prune with. */
@Command(name = "methods", mixinStandardHelpOptions = true, parameterListHeading = "%nArguments:%n", optionListHeading = "%nOptions:%n",
    description = "Lists the pruning methods, or tells about one: what it does, its source, its parameters and their defaults.",
    footerHeading = "%nExamples:%n", footer = {"  winnow methods", "  winnow methods pyramiddrop"})
final class MethodsCommand implements Callable<Integer> {
  private static final int WIDTH = 110;

  @Parameters(index = "0", arity = "0..1", paramLabel = "NAME", description = "A method's name; without it all are listed.")
  private String name;

  private final Console console;

  MethodsCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    console.out().print(name == null ? list() : describe(Methods.named(name)));
    return Winnow.DONE;
  }

  private static String list() {
    int width = Methods.all().stream().mapToInt(method -> method.name().length()).max().orElse(0) + 2;
    StringBuilder text = new StringBuilder();
    for (Method method : Methods.all()) {
      text.append(method.name()).append(Format.wrapped(method.summary(), WIDTH, " ".repeat(width)).substring(method.name().length()));
    }
    return text + "\n'winnow methods NAME' tells a method's source and parameters.\n";
  }

  private static String describe(Method method) {
    StringBuilder text = new StringBuilder(method.name()).append('\n');
    text.append(Format.wrapped(method.summary(), WIDTH, "  ")).append(Format.wrapped("Source: " + method.source(), WIDTH, "  "));
    if (method.parameters().isEmpty()) return text.append("  No parameters.\n").toString();
    text.append("\nParameters (--set NAME=VALUE):\n");
    for (Parameter parameter : method.parameters()) {
      String byDefault = parameter.defaultText().isEmpty() ? "not set" : parameter.defaultText();
      text.append("  ").append(parameter.name()).append("  (default: ").append(byDefault).append(")\n");
      text.append(Format.wrapped(parameter.meaning(), WIDTH, "      "));
    }
    return text.toString();
  }
}
