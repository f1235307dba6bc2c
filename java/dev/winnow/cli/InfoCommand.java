package dev.winnow.cli;

import dev.winnow.NativeCache;
import dev.winnow.engine.Machine;
import dev.winnow.kernels.HostLibc;
import dev.winnow.kernels.NativeLibrary;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.global.torch;
import picocli.CommandLine.Command;

/** {@code winnow info}: what runs here, and why. Goes on where a library cannot be loaded and says so in its place. */
@Command(name = "info", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n",
    description = "Tells versions, devices, CPU features, limits and folders, and which kernels are in use and why.")
final class InfoCommand implements Callable<Integer> {
  private final List<List<String>> rows = new ArrayList<>();
  private final Console console;

  InfoCommand(Console console) { this.console = console; }

  @Override public Integer call() {
    row("winnow", Version::text);
    row("native library", NativeLibrary::buildId);
    row("kernels in use", NativeLibrary::cpuTier);
    row("kernels, why", InfoCommand::reason);
    row("libtorch", () -> NativeLibrary.torchVersion() + ", CPU capability " + torch.get_cpu_capability().getString()
        + (torch.hasMKL() ? ", MKL" : ", OpenBLAS (MKL is faster in float32)") + (torch.hasMKLDNN() ? ", oneDNN" : ""));
    row("CUDA", InfoCommand::cuda);
    row("processors", () -> Machine.processors() + " that this process may use");
    row("threads", InfoCommand::threads);
    row("memory", () -> Format.bytes(Machine.availableMemory()) + " available, Java heap at most "
        + Format.bytes(Runtime.getRuntime().maxMemory()));
    row("off-heap limit", () -> Pointer.maxPhysicalBytes() == 0 ? "none"
        : Format.bytes(Pointer.maxPhysicalBytes()) + " (org.bytedeco.javacpp.maxPhysicalBytes)");
    row("cache of natives", NativeLibrary::cacheFolder);
    row("cache of tokenizers", NativeCache::tokenizersFolder);
    row("Java", () -> property("java.version") + ", " + property("java.vendor") + ", " + property("java.home"));
    row("system", () -> property("os.name") + " " + property("os.version") + " " + property("os.arch") + ", " + HostLibc.version());
    row("text encoding", () -> property("sun.jnu.encoding") + " for arguments and file names, UTF-8 for output");
    console.out().print(Format.table(rows));
    return Winnow.DONE;
  }

  private static String property(String name) { return System.getProperty(name, "unknown"); }

  private void row(String name, Supplier<String> value) {
    String text;
    try {
      text = value.get();
    } catch (RuntimeException | LinkageError e) {
      text = "unavailable: " + String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
    }
    rows.add(List.of(name, text));
  }

  private static String reason() {
    return "this CPU can run: " + NativeLibrary.cpuTiers() + "; the last is taken unless WINNOW_CPU_TIER names another";
  }

  private static String cuda() {
    String problem = Machine.cudaProblem();
    return problem.isEmpty() ? NativeLibrary.cudaDevices() + " devices" : "none: " + problem;
  }

  private static String threads() {
    int granted = Machine.threads(0);
    return granted == Machine.processors() ? granted + ", one per processor (--threads changes it)"
        : granted + ": the process limit (ulimit -u, or the container's) leaves no room for more";
  }
}
