package dev.winnow;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Where native libraries are unpacked. JavaCPP, the tokenizer library and JNA below it do that, each with a cache and a setting
 * of its own; the system property {@value #PROPERTY} moves them all. Without it they use the home folder, or, if that cannot be
 * written, a folder of this user's in the temporary folder. A setting of one of them that the user made himself is left alone.
 */
public final class NativeCache {
  /** System property that names the folder for unpacked natives. */
  public static final String PROPERTY = "winnow.cache";

  private static final String JAVACPP = "org.bytedeco.javacpp.cachedir";
  private static final String TOKENIZERS = "ENGINE_CACHE_DIR";
  private static final String JNA = "jna.tmpdir";
  private static boolean configured;

  private NativeCache() {}

  /**
   * Decides once per JVM; has to be called before the first use of a native library. Throws InvalidInputException naming the
   * folder and the setting if no folder can be written.
   */
  public static synchronized void configure() {
    if (configured) return;
    String wanted = System.getProperty(PROPERTY, "");
    if (!wanted.isEmpty()) {
      use(wanted(wanted));
    } else if (!writable(System.getProperty("user.home", ""))) {
      use(privateTemporary());
    }
    configured = true;
  }

  private static Path wanted(String name) {
    try {
      Path folder = Files.createDirectories(Path.of(name).toAbsolutePath());
      if (Files.isWritable(folder)) return folder;
    } catch (IOException | InvalidPathException e) {
      throw unusable(name, e);
    }
    throw unusable(name, null);
  }

  private static boolean writable(String home) {
    return !home.isEmpty() && Files.isDirectory(Path.of(home)) && Files.isWritable(Path.of(home));
  }

  /** Libraries are loaded from there, so nobody else may own the folder or write into it. */
  private static Path privateTemporary() {
    Path folder = Path.of(System.getProperty("java.io.tmpdir"), "winnow-cache-"
        + System.getProperty("user.name").replaceAll("[^A-Za-z0-9_-]", "_"));
    try {
      if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
        Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      }
      Path probe = Files.createTempFile(folder, "probe", null);
      boolean own = Files.getOwner(probe).equals(Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS))
          && PosixFilePermissions.toString(Files.getPosixFilePermissions(folder, LinkOption.NOFOLLOW_LINKS)).equals("rwx------");
      Files.delete(probe);
      if (own) return folder;
    } catch (IOException | UnsupportedOperationException e) {
      throw unusable(folder.toString(), e);
    }
    throw unusable(folder.toString(), null);
  }

  private static void use(Path folder) {
    for (String[] setting : new String[][] {{JAVACPP, "javacpp"}, {TOKENIZERS, "tokenizers"}, {JNA, "jna"}}) {
      if (System.getProperty(setting[0]) == null) System.setProperty(setting[0], folder.resolve(setting[1]).toString());
    }
  }

  private static InvalidInputException unusable(String folder, Exception cause) {
    return new InvalidInputException("native libraries cannot be unpacked in " + folder + ": set -D" + PROPERTY
        + "=FOLDER to a folder of your own that can be written (it moves " + JAVACPP + ", " + TOKENIZERS + " and " + JNA + ")", cause);
  }
}
