package dev.winnow.cli;

import dev.winnow.eval.BenchModelOptions;
import dev.winnow.eval.BenchPrefill;
import dev.winnow.eval.BenchResult;
import dev.winnow.eval.BenchShape;
import dev.winnow.kernels.Dtype;
import dev.winnow.prune.Settings;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code winnow bench}: what pruning does to the times of a model of a published shape. */
@Command(name = "bench", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", commandListHeading = "%nCommands:%n", sortOptions = false,
    description = "Measures prompts and decoding of a model of a published shape with random weights, with and without pruning, interleaved.",
    footerHeading = "%nExamples:%n",
    footer = {
        "  winnow bench --shape llava-1.5-7b --layers 8 --method pyramiddrop --method fastv",
        "  winnow bench --shape llava-next-7b --layers 4 --method fastv --set ratio=0.75 --json",
        "  winnow bench kernels"})
final class BenchCommand implements Callable<Integer> {
  @Option(names = "--shape", paramLabel = "NAME", defaultValue = "llava-1.5-7b",
      description = "llava-1.5-7b, llava-1.5-13b, llava-next-7b, llava-next-mistral-7b or tiny. Default: ${DEFAULT-VALUE}.")
  private String shape;

  @Option(names = "--layers", paramLabel = "N", defaultValue = "0", description = "Decoder layers; 7B in bfloat16 takes 0.4 GB each. Default: all of the shape.")
  private int layers;

  @Option(names = "--method", paramLabel = "NAME", description = "Pruning method to measure beside none; may be repeated.")
  private List<String> methods = List.of();

  @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Sets a parameter of the methods that have it; may be repeated.")
  private List<String> settings = List.of();

  @Option(names = "--dtype", paramLabel = "TYPE", defaultValue = "bfloat16", description = "float32, bfloat16 or float16. Default: ${DEFAULT-VALUE}.")
  private String dtype;

  @Mixin private ThreadsMixin threads;

  @Option(names = "--prompt-text", paramLabel = "N", defaultValue = "64", description = "Text tokens of the prompt, half of them before the picture. Default: ${DEFAULT-VALUE}.")
  private int promptText;

  @Option(names = "--image-tokens", paramLabel = "N", defaultValue = "0", description = "Image tokens of the prompt. Default: as many as a picture of the shape has.")
  private int imageTokens;

  @Option(names = "--decode", paramLabel = "N", defaultValue = "16", description = "Tokens to generate after each prompt. Default: ${DEFAULT-VALUE}.")
  private int decode;

  @Option(names = "--runs", paramLabel = "N", defaultValue = "5", description = "Measured repetitions of each, after one that is not. Default: ${DEFAULT-VALUE}.")
  private int runs;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  private final Console console;

  BenchCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    BenchResult result = BenchPrefill.run(new BenchModelOptions(BenchShape.named(shape), layers, methods, Settings.typed(settings), Dtype.of(dtype), threads.count(),
        promptText, imageTokens, decode, runs));
    console.out().println(json ? result.json() : result.table());
    return Winnow.DONE;
  }
}
