package dev.winnow.kernels;

import dev.winnow.WinnowException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.pytorch.Device;

/** Loads the native library once and hands out one context per device. */
public final class NativeLibrary {
  private static final Map<Integer, Wn.Context> CONTEXTS = new ConcurrentHashMap<>();
  private static final int CPU_KEY = -1;

  private NativeLibrary() {}

  /** Version and hash of the native sources that the library was built from. */
  public static String buildId() { return loaded(() -> Wn.wn_build_id().getString()); }

  /** Name of the CPU implementation in use. */
  public static String cpuTier() { return loaded(() -> Wn.wn_cpu_tier().getString()); }

  /** CPU implementations that this machine can run, best last. */
  public static String cpuTiers() { return loaded(() -> Wn.wn_cpu_tiers().getString()); }

  /** CUDA devices that the kernels can use; 0 where there is no CUDA library, driver or device. */
  public static int cudaDevices() { return loaded(Wn::wn_cuda_devices); }

  static Wn.Context context(Device device) {
    int key = device.is_cpu() ? CPU_KEY : Math.max(0, device.index());
    return CONTEXTS.computeIfAbsent(key, k -> loaded(() -> create(k)));
  }

  private static Wn.Context create(int key) {
    try (PointerPointer<Wn.Context> out = new PointerPointer<>(1)) {
      int status = Wn.wn_ctx_create(key == CPU_KEY ? Wn.WN_CPU : Wn.WN_CUDA, Math.max(0, key), out);
      if (status != Wn.WN_OK) throw new WinnowException("the native kernels cannot use this device: " + Wn.wn_last_error().getString());
      Wn.Context context = out.get(Wn.Context.class, 0);
      context.retainReference();
      return context;
    }
  }

  private interface Call<T> {
    T run();
  }

  /** Turns the linker's errors into one line that says what to add. */
  private static <T> T loaded(Call<T> call) {
    try {
      return call.run();
    } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
      throw new WinnowException("the native library of Winnow cannot be loaded on " + System.getProperty("os.name") + " " + System.getProperty("os.arch")
          + ": add the dependency dev.winnow:winnow with classifier linux-x86_64 and use Linux x86-64 with glibc 2.35 or newer (" + cause(e) + ")", e);
    }
  }

  private static String cause(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) root = root.getCause();
    return String.valueOf(root.getMessage()).lines().findFirst().orElse("no reason given");
  }
}
