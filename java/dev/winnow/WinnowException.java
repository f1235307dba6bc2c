package dev.winnow;

/** Base of every error that Winnow reports. The message is one line that names the cause and the remedy. */
public class WinnowException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public WinnowException(String message) { super(message); }

  public WinnowException(String message, Throwable cause) { super(message, cause); }
}
