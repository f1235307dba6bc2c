package dev.winnow;

/**
 * The caller's argument or file is wrong or unsupported: a bad option, a broken checkpoint, a picture that is no picture. Nothing was
 * changed.
 */
public class InvalidInputException extends WinnowException {
  private static final long serialVersionUID = 1L;

  public InvalidInputException(String message) { super(message); }

  public InvalidInputException(String message, Throwable cause) { super(message, cause); }
}
