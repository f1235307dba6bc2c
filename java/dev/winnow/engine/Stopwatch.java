package dev.winnow.engine;

/** Times stages that follow each other. */
final class Stopwatch {
  private long last = System.nanoTime();

  /** Milliseconds since the last lap or the start. */
  double lap() {
    long now = System.nanoTime();
    double millis = (now - last) / 1e6;
    last = now;
    return millis;
  }
}
