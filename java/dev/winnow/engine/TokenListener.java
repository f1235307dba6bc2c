package dev.winnow.engine;

/** Hears an answer while it is generated, on the thread that asks. */
@FunctionalInterface
public interface TokenListener {
  /** @param text what is certain to come next; whole characters, never empty. All pieces joined are the answer's text. */
  void text(String text);

  TokenListener NONE = text -> {};
}
