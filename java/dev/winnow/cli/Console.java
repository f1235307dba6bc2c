package dev.winnow.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * The two streams that commands write to, in UTF-8 whatever the locale.
 *
 * @param out results
 * @param err everything else
 */
record Console(PrintStream out, PrintStream err) {
  static Console system() { return new Console(stream(FileDescriptor.out), stream(FileDescriptor.err)); }

  private static PrintStream stream(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }

  /** A line about what goes on, marked as ours. */
  void note(String line) { err.println("winnow: " + line); }
}
