package dev.winnow.engine;

/** What this process may use of the machine that it runs on. */
public final class Machine {
  private Machine() {}

  /** Processors that the JVM may use: it knows of containers, affinity and -XX:ActiveProcessorCount. */
  public static int processors() { return Threads.available(); }

  /** Threads that a model opened with {@code threads} (0 for all processors) computes with. */
  public static int threads(int threads) { return ThreadRoom.granted(threads == 0 ? Threads.available() : threads); }

  /** Bytes that can still be allocated: the machine's or the control group's, whichever is less. */
  public static long availableMemory() { return MemoryCheck.available(); }

  /** Why CUDA cannot be used and what to do; empty if it can. Loads the native libraries. */
  public static String cudaProblem() { return Devices.cudaProblem(); }
}
