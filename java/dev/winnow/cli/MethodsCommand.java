package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.Checkpoint;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.PlanWriter;
import dev.winnow.prune.Settings;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code winnow methods}: what there is to prune with. */
@Command(name = "methods", mixinStandardHelpOptions = true, sortOptions = false,
    customSynopsis = {
        "winnow methods [NAME]",
        "       winnow methods NAME --as-plan [--model DIR | --layers N] [--set KEY=VALUE]...",
        "                      [--budget N [--image-tokens N]]"},
    parameterListHeading = "%nArguments:%n", optionListHeading = "%nOptions:%n",
    description = "Lists the pruning methods, or tells about one: what it does, its source, its parameters and their defaults.",
    footerHeading = "%nExamples:%n", footer = {"  winnow methods", "  winnow methods pyramiddrop",
        "  winnow methods fastervlm --as-plan --model llava-1.5-7b-hf > my.json",
        "  winnow methods pyramiddrop --as-plan --layers 32 --set ratios=0.5,0.25,0.1"})
final class MethodsCommand implements Callable<Integer> {
  private static final int WIDTH = 110;
  /** The tower that plans are printed for: CLIP ViT-L/14 at 336 pixels, features of the last block but one. */
  private static final int BLOCKS = 24;
  private static final int GRID = 24;
  private static final int LAYERS = 32;
  private static final int MOST_LAYERS = 1000;

  @Parameters(index = "0", arity = "0..1", paramLabel = "NAME", description = "A method's name; without it all are listed.")
  private String name;

  @Option(names = "--as-plan", description = "Print the method as a plan file for 'winnow ask --plan'.")
  private boolean asPlan;

  @Option(names = "--model", paramLabel = "DIR", description = "With --as-plan: checkpoint folder of the model that the plan is for.")
  private Path model;

  @Option(names = "--layers", paramLabel = "N",
      description = "With --as-plan and without --model: decoder layers of the model that the plan is for. Default: " + LAYERS + ".")
  private Integer layers;

  @Option(names = "--set", paramLabel = "KEY=VALUE", description = "With --as-plan: sets a parameter of the method; may be repeated.")
  private List<String> settings = List.of();

  @Option(names = "--budget", paramLabel = "N",
      description = "With --as-plan: visual tokens to hold per picture, on average over the layers.")
  private Integer budget;

  @Option(names = "--image-tokens", paramLabel = "N", defaultValue = "576",
      description = "With --budget: tokens of a picture before pruning. Default: ${DEFAULT-VALUE}.")
  private int imageTokens;

  private final Console console;

  MethodsCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    if (!asPlan && (budget != null || model != null || layers != null || !settings.isEmpty())) {
      throw new InvalidInputException("--budget, --set, --model and --layers say how a plan is made; add --as-plan");
    }
    if (asPlan) console.out().println(plan());
    else console.out().print(name == null ? list() : describe(Methods.named(name)));
    return Winnow.DONE;
  }

  private String plan() {
    if (name == null) throw new InvalidInputException("--as-plan needs a method; name one, as in 'winnow methods fastv --as-plan'");
    if (imageTokens < 1) throw new InvalidInputException("--image-tokens must be 1 or more, not " + imageTokens);
    if (budget != null && budget < 0) throw new InvalidInputException("--budget must be 0 or more tokens, not " + budget);
    ModelShape shape = shape();
    OptionalInt tokens = budget == null ? OptionalInt.empty() : OptionalInt.of(budget);
    return PlanWriter.write(Methods.named(name).plan(shape, Settings.typed(settings), tokens, imageTokens), shape);
  }

  private ModelShape shape() {
    if (model != null) {
      if (layers != null) throw new InvalidInputException("--model tells how many layers there are; leave out --layers");
      try (Checkpoint checkpoint = Checkpoint.open(model)) {
        return ModelShape.of(checkpoint.config(), true); // CLIP is named when the plan is run
      }
    }
    int depth = layers == null ? LAYERS : layers;
    if (depth < 1 || depth > MOST_LAYERS) {
      throw new InvalidInputException("--layers must be from 1 to " + MOST_LAYERS + ", not " + depth);
    }
    return new ModelShape(depth, BLOCKS, true, BLOCKS - 2, GRID, true);
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
      text.append("  ").append(parameter.name()).append("  (default: ").append(byDefault)
          .append(parameter.counting() ? "; --budget says it instead)\n" : ")\n");
      text.append(Format.wrapped(parameter.meaning(), WIDTH, "      "));
    }
    return text.toString();
  }
}
