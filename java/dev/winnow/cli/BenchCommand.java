package dev.winnow.cli;

import dev.winnow.bench.BenchModelOptions;
import dev.winnow.bench.BenchPrefill;
import dev.winnow.bench.BenchPruning;
import dev.winnow.bench.BenchResult;
import dev.winnow.bench.BenchShape;
import dev.winnow.eval.Variant;
import dev.winnow.kernels.Dtype;
import dev.winnow.prune.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code winnow bench}: what pruning does to the times of a model of a published shape. */
@Command(name = "bench", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", commandListHeading = "%nCommands:%n",
    sortOptions = false,
    customSynopsis = {
        "winnow bench [--shape NAME] [--layers N] [--tower] [--method NAME]...",
        "                    [--budget N | --target-kv-mb MIB] [OPTIONS]",
        "       winnow bench kernels [--only TEXT] [--runs N] [--json]"},
    description = "Measures prompts and decoding of a model of a published shape with random weights, with and without pruning,"
        + " interleaved.",
    footerHeading = "%nExamples:%n",
    footer = {
        "  winnow bench --shape llava-1.5-7b --layers 8 --method pyramiddrop --method fastv",
        "  winnow bench --shape llava-next-7b --layers 4 --method fastv --set ratio=0.75 --json",
        "  winnow bench --layers 8 --tower --budget 128 --method mustdrop --method sparsevlm --method visionzip",
        "  winnow bench --layers 8 --target-kv-mb 50 --method pyramiddrop --method fastv",
        "  winnow bench kernels"})
final class BenchCommand implements Callable<Integer> {
  static final int RUNS = 5;

  @Option(names = "--shape", paramLabel = "NAME", defaultValue = "llava-1.5-7b",
      description = "llava-1.5-7b, llava-1.5-13b, llava-next-7b, llava-next-mistral-7b or tiny. Default: ${DEFAULT-VALUE}.")
  private String shape;

  @Option(names = "--layers", paramLabel = "N", defaultValue = "0",
      description = "Decoder layers; 7B in bfloat16 takes 0.4 GB each. Default: all of the shape.")
  private int layers;

  @Option(names = "--tower",
      description = "Let the shape's vision tower and projector, also of random weights, see a picture of noise before each prompt:"
          + " methods that cut before the decoder can then be measured. Default: the decoder alone.")
  private boolean tower;

  @Option(names = "--method", paramLabel = "NAME", description = "Pruning method to measure beside none; may be repeated.")
  private List<String> methods = List.of();

  @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Sets a parameter of the methods that have it; may be repeated.")
  private List<String> settings = List.of();

  @Option(names = "--variant", paramLabel = "'NAME KEY=VALUE ...'",
      description = "A method with some parameters set, to measure beside the others; may be repeated.")
  private List<String> variants = List.of();

  @Option(names = "--budget", paramLabel = "N",
      description = "Image tokens for every method to hold on average over the decoder's layers; its parameters follow from it.")
  private Integer budget;

  @Option(names = "--target-kv-mb", paramLabel = "MIB",
      description = "Instead of --budget: every method gets the largest budget with which the KV cache holds at most MIB mebibytes when the"
          + " prompt is done, text and room for the tokens of --decode included; tables tell the budget behind its name.")
  private Double targetMib;

  @Option(names = "--dtype", paramLabel = "TYPE", defaultValue = "bfloat16",
      description = "float32, bfloat16 or float16. Default: ${DEFAULT-VALUE}.")
  private String dtype;

  @Mixin private ThreadsMixin threads;

  @Option(names = "--prompt-text", paramLabel = "N", defaultValue = "64",
      description = "Text tokens of the prompt, half of them before the picture. Default: ${DEFAULT-VALUE}.")
  private int promptText;

  @Option(names = "--image-tokens", paramLabel = "N", defaultValue = "0",
      description = "Image tokens of the prompt, without --tower. Default: as many as a picture of the shape has.")
  private int imageTokens;

  @Option(names = "--decode", paramLabel = "N", defaultValue = "16",
      description = "Tokens to generate after each prompt. Default: ${DEFAULT-VALUE}.")
  private int decode;

  @Mixin private BenchMixin bench;

  private final Console console;

  BenchCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    List<Variant> measured = new ArrayList<>(BenchPruning.sharing(methods, Settings.typed(settings)));
    for (String variant : variants) measured.add(Variant.parse(variant));
    BenchPruning pruning = new BenchPruning(measured, budget == null ? OptionalInt.empty() : OptionalInt.of(budget),
        targetMib == null ? Double.POSITIVE_INFINITY : targetMib * PruningMixin.MIB);
    BenchResult result = BenchPrefill.run(new BenchModelOptions(BenchShape.named(shape), layers, pruning, tower, Dtype.of(dtype),
        threads.count(), promptText, imageTokens, decode, bench.runs(RUNS)));
    console.out().println(bench.json() ? result.json() : result.table());
    return Winnow.DONE;
  }
}
