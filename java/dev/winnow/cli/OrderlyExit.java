package dev.winnow.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C and the like while libtorch computes: a JVM that ends takes the native libraries down under the thread that is still inside them,
 * which crashes. So the command is interrupted and given the time to leave them.
 */
final class OrderlyExit {
  /** More than one layer of a large model takes. */
  private static final long SECONDS = 20;

  private final CountDownLatch done = new CountDownLatch(1);

  /** From here on a signal interrupts the calling thread and waits for {@link #done}. */
  OrderlyExit() {
    Thread worker = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      if (done.getCount() == 0) return;
      worker.interrupt();
      try {
        done.await(SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }, "winnow-exit"));
  }

  /** The command has left native code. */
  void done() { done.countDown(); }
}
