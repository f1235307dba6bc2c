package dev.winnow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The decision is made once per JVM, so each case runs in a JVM of its own. */
class NativeCacheTest {
  @TempDir Path temp;

  /** Prints the three settings, or the refusal. */
  public static void main(String[] arguments) {
    try {
      NativeCache.configure();
      System.out.println(System.getProperty("org.bytedeco.javacpp.cachedir") + " " + System.getProperty("ENGINE_CACHE_DIR") + " "
          + System.getProperty("jna.tmpdir"));
    } catch (InvalidInputException e) {
      System.out.println(e.getMessage());
    }
  }

  private String decide(String... properties) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xshare:auto",
        "-Djava.io.tmpdir=" + temp));
    command.addAll(List.of(properties));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), NativeCacheTest.class.getName()));
    Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor());
    return output.strip();
  }

  private static String all(Path folder) { return folder.resolve("javacpp") + " " + folder.resolve("tokenizers") + " "
      + folder.resolve("jna"); }

  @Test void oneSettingMovesAllCaches() throws Exception {
    Path wanted = temp.resolve("a/b c");
    assertEquals(all(wanted), decide("-Dwinnow.cache=" + wanted));
    assertTrue(Files.isDirectory(wanted));
  }

  @Test void aSettingOfTheUserStays() throws Exception {
    assertEquals("/mine " + temp.resolve("tokenizers") + " " + temp.resolve("jna"),
        decide("-Dwinnow.cache=" + temp, "-Dorg.bytedeco.javacpp.cachedir=/mine"));
  }

  @Test void aWritableHomeIsLeftToTheLibraries() throws Exception {
    assertEquals("null null null", decide("-Duser.home=" + temp));
  }

  @Test void withoutAHomeAPrivateTemporaryFolderIsUsed() throws Exception {
    Path folder = temp.resolve("winnow-cache-somebody");
    for (int round = 0; round < 2; round++) assertEquals(all(folder), decide("-Duser.home=/nonexistent", "-Duser.name=somebody"));
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)));
  }

  @Test void aFolderThatOthersCanWriteIsNotTrusted() throws Exception {
    Path folder = Files.createDirectory(temp.resolve("winnow-cache-somebody"));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    String refusal = decide("-Duser.home=/nonexistent", "-Duser.name=somebody");
    assertTrue(refusal.contains(folder.toString()) && refusal.contains("winnow.cache") && refusal.contains("org.bytedeco.javacpp.cachedir"),
        refusal);
  }

  @Test void anUnusableFolderIsNamed() throws Exception {
    Path file = Files.createFile(temp.resolve("file"));
    String refusal = decide("-Dwinnow.cache=" + file.resolve("x"));
    assertTrue(refusal.contains(file.toString()) && refusal.contains("winnow.cache") && refusal.contains("ENGINE_CACHE_DIR"), refusal);
  }
}
