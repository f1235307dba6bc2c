package dev.winnow.cli;

/** Says on the error stream how far a long run is, at most once in a few seconds, with the time that is left by what it took so far. */
final class Progress {
  private static final double EVERY_SECONDS = 5;

  private final Console console;
  private final String what;
  private final long begin = System.nanoTime();
  private int doneBefore = -1;
  private double said = -EVERY_SECONDS;

  /** @param what is counted, in the plural */
  Progress(Console console, String what) {
    this.console = console;
    this.what = what;
  }

  void at(int done, int of) {
    double seconds = (System.nanoTime() - begin) / 1e9;
    if (doneBefore < 0) doneBefore = done;
    if (done < of && seconds - said < EVERY_SECONDS) return;
    said = seconds;
    String left = done > doneBefore && done < of ? Format.of(", about %s left", time(seconds / (done - doneBefore) * (of - done))) : "";
    console.note(Format.of("%d of %d %s, %s%s", done, of, what, time(seconds), left));
  }

  private static String time(double seconds) {
    long whole = Math.round(seconds);
    if (whole < 60) return whole + " s";
    if (whole < 3600) return Format.of("%d min %02d s", whole / 60, whole % 60);
    return Format.of("%d h %02d min", whole / 3600, whole / 60 % 60);
  }
}
