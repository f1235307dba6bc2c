package dev.winnow;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Where native libraries are unpacked. JavaCPP, the tokenizer library and JNA below it do that, each with a cache and a setting
 * of its own; the system property {@value #PROPERTY}, or the environment variable {@value #VARIABLE}, moves them all. Without it
 * they use the home folder, or, if that cannot be written, a folder of this user's in the temporary folder. A setting of one of
 * them that the user made himself is left alone.
 */
public final class NativeCache {
  /** System property that names the folder for unpacked natives. */
  public static final String PROPERTY = "winnow.cache";
  /** Environment variable that does the same; the property goes before it. */
  public static final String VARIABLE = "WINNOW_CACHE";

  private static final String JAVACPP = "org.bytedeco.javacpp.cachedir";
  private static final String TOKENIZERS = "ENGINE_CACHE_DIR";
  private static final String JNA = "jna.tmpdir";
  /** What they use below the home folder. */
  private static final String[] HOME_FOLDERS = {".javacpp", ".djl.ai"};
  private static boolean configured;

  private NativeCache() {}

  /**
   * Decides once per JVM; has to be called before the first use of a native library. Throws InvalidInputException naming the
   * folder and the setting if no folder can be written.
   */
  public static synchronized void configure() {
    if (configured) return;
    String wanted = wanted();
    if (!wanted.isEmpty()) {
      use(created(wanted));
    } else if (!usable(System.getProperty("user.home", ""))) {
      use(privateTemporary());
    }
    configured = true;
  }

  private static String wanted() {
    String property = System.getProperty(PROPERTY, "");
    return property.isEmpty() ? System.getenv().getOrDefault(VARIABLE, "") : property;
  }

  private static Path created(String name) {
    try {
      Path folder = Files.createDirectories(Path.of(name).toAbsolutePath());
      if (Files.isWritable(folder)) return folder;
    } catch (IOException | InvalidPathException e) {
      throw unusable(name, e);
    }
    throw unusable(name, null);
  }

  /** Whether both libraries can write their folders in this home: they are there and writable, or can be made. */
  private static boolean usable(String home) {
    if (home.isEmpty() || !Files.isDirectory(Path.of(home))) return false;
    for (String name : HOME_FOLDERS) {
      Path folder = Path.of(home, name);
      if (!Files.isWritable(Files.exists(folder, LinkOption.NOFOLLOW_LINKS) ? folder : Path.of(home))) return false;
    }
    return true;
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

  /** Where the tokenizer library unpacks its natives. */
  public static synchronized String tokenizersFolder() {
    configure();
    return System.getProperty(TOKENIZERS, System.getProperty("user.home") + "/.djl.ai");
  }

  private static void use(Path folder) {
    for (String[] setting : new String[][] {{JAVACPP, "javacpp"}, {TOKENIZERS, "tokenizers"}, {JNA, "jna"}}) {
      if (System.getProperty(setting[0]) == null) System.setProperty(setting[0], folder.resolve(setting[1]).toString());
    }
  }

  private static InvalidInputException unusable(String folder, Exception cause) {
    return new InvalidInputException("native libraries cannot be unpacked in " + folder + ": set " + VARIABLE + " or -D" + PROPERTY
        + "=FOLDER to a folder of your own that can be written (it moves " + JAVACPP + ", " + TOKENIZERS + " and " + JNA + ")", cause);
  }
}
