package dev.winnow.conform;

import dev.winnow.InvalidInputException;

/** A case is not in the form of its kind. Names the field and what it must be; never what a case that expects an error asks for. */
final class CaseFormException extends InvalidInputException {
  private static final long serialVersionUID = 1L;

  CaseFormException(String message) { super(message); }
}
