package dev.winnow.kernels;

import dev.winnow.InvalidInputException;
import dev.winnow.NativeCache;
import dev.winnow.WinnowException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Loads the native libraries once, ours and libtorch, and hands out one context per device. */
public final class NativeLibrary {
  private static final Map<Integer, Wn.Context> CONTEXTS = new ConcurrentHashMap<>();
  /** Stands for the host among the numbers of CUDA devices. */
  static final int CPU = -1;
  /** The host's entry of CONTEXTS, for the calls where a look-up would be felt. */
  private static volatile Wn.Context cpuContext;
  private static final String OURS = "the native library of Winnow";

  private NativeLibrary() {}

  /**
   * Loads both libraries, or throws WinnowException saying why they cannot be loaded here and what to do. Has to come before the first use
   * of libtorch, so that the cache folders are settled and its errors are explained.
   */
  public static void load() {
    buildId();
    cpuTier();
    torchVersion();
  }

  /** Version and hash of the native sources that the library was built from: those that the Java classes were built with. */
  public static String buildId() {
    String library = loaded(OURS, () -> Wn.wn_build_id().getString());
    String classes = expectedBuildId();
    if (!classes.isEmpty() && !classes.equals(library)) {
      throw new WinnowException("the native library is of build " + library + ", but these classes are of build " + classes
          + ": use the main jar and the native jar of one build, and empty the cache folder " + cacheFolder());
    }
    return library;
  }

  /** Version of libtorch's Java binding, "2.10.0-1.5.13"; loads libtorch. */
  public static String torchVersion() {
    return loaded("libtorch", () -> {
      Loader.load(torch.class);
      return torchBinding();
    });
  }

  private static String torchBinding() {
    try {
      String version = Loader.getVersion("org.bytedeco", "pytorch");
      return version == null ? "unknown version" : version;
    } catch (IOException e) {
      return "unknown version";
    }
  }

  /** Where JavaCPP unpacks native libraries. */
  public static String cacheFolder() {
    NativeCache.configure();
    try {
      return Loader.getCacheDir().toString();
    } catch (IOException e) {
      return "(none: " + e.getMessage() + ")";
    }
  }

  /** Name of the CPU implementation in use; fails where WINNOW_CPU_TIER asks for one that this machine does not have. */
  public static String cpuTier() {
    context(CPU);
    return Wn.wn_cpu_tier().getString();
  }

  /** CPU implementations that this machine can run, best last. */
  public static String cpuTiers() { return loaded(OURS, () -> Wn.wn_cpu_tiers().getString()); }

  /** CUDA devices that the kernels can use; 0 where there is no CUDA library, driver or device. */
  public static int cudaDevices() {
    return loaded(OURS, () -> {
      unpackCuda();
      return Wn.wn_cuda_devices();
    });
  }

  /** The native library looks for the CUDA library beside itself; a jar's has to be unpacked first. */
  private static void unpackCuda() {
    try {
      Loader.cacheResource(Wn.class, Loader.getPlatform() + "/libwinnow_cuda.so");
    } catch (IOException e) {
      throw new WinnowException("Winnow's CUDA library cannot be unpacked into " + cacheFolder() + ": " + e.getMessage(), e);
    }
  }

  /** The number of a tensor's CUDA device, or {@link #CPU}. */
  static int deviceOf(Tensor tensor) { return tensor.is_cpu() ? CPU : Math.max(0, tensor.device().index()); }

  static Wn.Context context(int device) {
    Wn.Context cpu = cpuContext;
    if (device == CPU && cpu != null) return cpu;
    Wn.Context context = CONTEXTS.computeIfAbsent(device, number -> loaded(OURS, () -> create(number)));
    if (device == CPU) cpuContext = context;
    return context;
  }

  private static Wn.Context create(int device) {
    try (PointerPointer<Wn.Context> out = new PointerPointer<>(1)) {
      int status = Wn.wn_ctx_create(device == CPU ? Wn.WN_CPU : Wn.WN_CUDA, Math.max(0, device), out);
      if (status != Wn.WN_OK) {
        String message = "the native kernels cannot use this device: " + Wn.wn_last_error().getString();
        throw status == Wn.WN_EINVAL ? new InvalidInputException(message) : new WinnowException(message);
      }
      Wn.Context context = out.get(Wn.Context.class, 0);
      context.retainReference();
      return context;
    }
  }

  /** The build id that was left beside the classes; empty where they were compiled without the native build. */
  private static String expectedBuildId() {
    try (InputStream in = NativeLibrary.class.getResourceAsStream("build-id")) {
      return in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      return "";
    }
  }

  private interface Call<T> {
    T run();
  }

  /** Turns the linker's errors into one line that says what to add. */
  private static <T> T loaded(String what, Call<T> call) {
    NativeCache.configure();
    try {
      return call.run();
    } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
      throw new WinnowException(what + " cannot be loaded on " + System.getProperty("os.name") + " " + System.getProperty("os.arch") + ": "
          + remedy(HostLibc.version()) + " (" + cause(e) + ")", e);
    }
  }

  private static String remedy(String libc) {
    String problem = HostLibc.problem(libc);
    return problem.isEmpty()
        ? "add the jars dev.winnow:winnow, org.bytedeco:pytorch, openblas and javacpp, each with classifier linux-x86_64, on Linux x86-64"
        : problem;
  }

  private static String cause(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) root = root.getCause();
    return String.valueOf(root.getMessage()).lines().findFirst().orElse("no reason given");
  }
}
