package dev.winnow;

import java.nio.file.Path;

/** Where the test data lies, whatever folder the tests are run from. */
public final class TestData {
  private TestData() {}

  /** A path below {@code tests/data}. */
  public static Path path(String relative) { return Path.of(System.getProperty("winnow.basedir", "."), "tests/data", relative); }
}
