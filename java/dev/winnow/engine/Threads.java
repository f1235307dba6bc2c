package dev.winnow.engine;

import org.bytedeco.pytorch.global.torch;

/** libtorch's thread count is a property of the calling thread; this sets it where work begins. */
public final class Threads {
  private static final ThreadLocal<Integer> OF_THREAD = new ThreadLocal<>();

  private Threads() {}

  /** Sets the calling thread's count. */
  public static void use(int count) {
    Integer current = OF_THREAD.get();
    if (current != null && current == count) return;
    torch.set_num_threads(count);
    OF_THREAD.set(count);
  }

  /** Processors that the JVM may use: it knows of containers, affinity and -XX:ActiveProcessorCount. */
  public static int available() { return Runtime.getRuntime().availableProcessors(); }
}
