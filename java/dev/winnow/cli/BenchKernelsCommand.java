package dev.winnow.cli;

import dev.winnow.bench.BenchKernels;
import dev.winnow.bench.BenchKernelsResult;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code winnow bench kernels}: our kernels beside the libtorch operations that a user would write. */
@Command(name = "kernels", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", sortOptions = false,
    description = {"Measures each native kernel, called from Java, beside the libtorch operations that do the same, interleaved,"
            + " in one thread.",
        "Rows are the sizes of LLaVA-1.5 (576), LLaVA-NeXT (2880) and video (20000). The ceiling is what libtorch's own sum (for kernels"
            + " that read) or copy (for those that move) reaches over 256 MiB in the same run; rows whose data fits the processor's caches"
            + " say so instead."},
    footerHeading = "%nExamples:%n", footer = {"  winnow bench kernels", "  winnow bench kernels --only score --runs 50"})
final class BenchKernelsCommand implements Callable<Integer> {
  static final int RUNS = 15;

  @Option(names = "--only", paramLabel = "TEXT", defaultValue = "", description = "Only the rows with this in their name.")
  private String only;

  @Mixin private BenchMixin bench;

  private final Console console;

  BenchKernelsCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    BenchKernelsResult result = BenchKernels.run(only, bench.runs(RUNS));
    console.out().println(bench.json() ? result.json() : result.table());
    return Winnow.DONE;
  }
}
