package dev.winnow;

/** There is not enough memory for what was asked. The message names the setting or the amount that would do. */
public class InsufficientMemoryException extends WinnowException {
  private static final long serialVersionUID = 1L;

  public InsufficientMemoryException(String message) { super(message); }

  public InsufficientMemoryException(String message, Throwable cause) { super(message, cause); }
}
