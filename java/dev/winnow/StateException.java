package dev.winnow;

/** Something was used at the wrong time: after its close, closed while in use, or by two threads at once. The object is unharmed. */
public class StateException extends WinnowException {
  private static final long serialVersionUID = 1L;

  public StateException(String message) { super(message); }
}
