package dev.winnow;

/** The thread that computes was interrupted. What was asked is undone; the thread stays interrupted. */
public class InterruptedWorkException extends WinnowException {
  private static final long serialVersionUID = 1L;

  public InterruptedWorkException(String message) { super(message); }

  /** Called between layers: long work ends there when its thread is interrupted. */
  public static void check() {
    if (Thread.currentThread().isInterrupted()) throw new InterruptedWorkException("interrupted");
  }
}
