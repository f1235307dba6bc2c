package dev.winnow.kernels;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * The C library of this machine. libtorch is built against glibc {@value #NEEDED_MAJOR}.{@value #NEEDED_MINOR}; with an older one, or with
 * musl, the linker's message tells nobody what to do.
 */
public final class HostLibc {
  static final int NEEDED_MAJOR = 2;
  static final int NEEDED_MINOR = 35;

  private HostLibc() {}

  /** "glibc 2.36", "musl", or "unknown". */
  public static String version() {
    String glibc = getconf();
    if (glibc.startsWith("glibc ")) return glibc;
    try (DirectoryStream<Path> loaders = Files.newDirectoryStream(Path.of("/lib"), "ld-musl-*")) {
      if (loaders.iterator().hasNext()) return "musl";
    } catch (IOException e) {
      return "unknown";
    }
    return "unknown";
  }

  /** Why libtorch cannot run on a machine with this C library, and what to do; empty if it can or nobody knows. */
  static String problem(String version) {
    String needed = "glibc " + NEEDED_MAJOR + "." + NEEDED_MINOR + " or newer (Debian 12, Ubuntu 22.04)";
    if (version.equals("musl")) return "libtorch needs " + needed + ", but this host has musl (Alpine): use a distribution with glibc";
    if (!version.matches("glibc [0-9]{1,4}\\.[0-9]{1,4}.*")) return "";
    String[] parts = version.substring("glibc ".length()).split("[^0-9]");
    int major = Integer.parseInt(parts[0]);
    int minor = Integer.parseInt(parts[1]);
    boolean enough = major > NEEDED_MAJOR || major == NEEDED_MAJOR && minor >= NEEDED_MINOR;
    return enough ? "" : "libtorch needs " + needed + ", but this host has " + version + ": use a newer distribution or container";
  }

  private static String getconf() {
    try {
      Process process = new ProcessBuilder("getconf", "GNU_LIBC_VERSION").redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readNBytes(200), StandardCharsets.US_ASCII).strip();
      if (!process.waitFor(5, TimeUnit.SECONDS)) process.destroyForcibly();
      return output;
    } catch (IOException e) {
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }
}
