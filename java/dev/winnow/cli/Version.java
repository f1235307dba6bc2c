package dev.winnow.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.IVersionProvider;

/** What this build is called: the version of the POM and a hash of the native sources, from the resource that the build leaves. */
final class Version implements IVersionProvider {
  private static final String RESOURCE = "/dev/winnow/kernels/build-id";

  /** "0.1.0+0123456789ab", or "unknown" where the native build left no resource. */
  static String text() {
    try (InputStream in = Version.class.getResourceAsStream(RESOURCE)) {
      return in == null ? "unknown" : new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      return "unknown";
    }
  }

  @Override public String[] getVersion() { return new String[] {"winnow " + text()}; }
}
