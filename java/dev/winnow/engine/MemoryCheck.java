package dev.winnow.engine;

import dev.winnow.InsufficientMemoryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/**
 * Compares what is about to be allocated outside the Java heap with what the process may have, before any of it is allocated. Mapped
 * weights do not count: the system drops their pages when it needs to.
 */
public final class MemoryCheck {
  /** What libtorch and the JVM take before any model, measured on Linux x86-64. */
  private static final long BASE_BYTES = 300L << 20;

  private MemoryCheck() {}

  /** Throws InsufficientMemoryException naming the setting that would do. */
  public static void require(long bytes, String what) { require(bytes, what, "use --dtype bfloat16, a smaller model or a larger machine"); }

  /** @param remedy what to do where the machine has too little */
  static void require(long bytes, String what, String remedy) {
    long limit = Pointer.maxPhysicalBytes();
    if (limit > 0 && bytes + BASE_BYTES > limit) {
      long needed = mib(bytes + BASE_BYTES);
      throw new InsufficientMemoryException(what + " needs about " + needed + " MiB outside the Java heap, but JavaCPP allows " + mib(limit)
          + " MiB (four times -Xmx unless set); start Java with -Dorg.bytedeco.javacpp.maxPhysicalBytes=" + needed + "m or 0 for no limit");
    }
    long available = available();
    if (bytes > available) {
      throw new InsufficientMemoryException(what + " needs about " + mib(bytes) + " MiB of memory, but only " + mib(available)
          + " MiB are available; " + remedy);
    }
  }

  /** Bytes that can still be allocated: the machine's or the control group's, whichever is less. */
  static long available() {
    long available = Long.MAX_VALUE;
    for (String line : lines("/proc/meminfo")) {
      if (line.startsWith("MemAvailable:")) available = Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
    }
    long limit = number("/sys/fs/cgroup/memory.max");
    long used = number("/sys/fs/cgroup/memory.current");
    return limit > 0 && used >= 0 ? Math.min(available, Math.max(0, limit - used)) : available;
  }

  private static long number(String file) {
    List<String> lines = lines(file);
    return lines.isEmpty() || !lines.get(0).matches("[0-9]{1,18}") ? -1 : Long.parseLong(lines.get(0));
  }

  private static List<String> lines(String file) {
    try {
      return Files.readAllLines(Path.of(file));
    } catch (IOException | RuntimeException e) {
      return List.of();
    }
  }

  private static long mib(long bytes) { return (bytes >> 20) + 1; }
}
