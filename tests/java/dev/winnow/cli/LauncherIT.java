package dev.winnow.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.winnow.TestData;
import dev.winnow.engine.Rig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The application folder as a user runs it: locales, odd paths, missing homes, few processors, little memory, wrong Javas. */
class LauncherIT {
  private static final String MODEL = TestData.path("parity/models/llava15-mha-56").toAbsolutePath().normalize().toString();
  private static final String IMAGE = TestData.path("parity/images/photo_333x251.jpg").toAbsolutePath().normalize().toString();
  private static final String[] FRENCH = {"ask", "--model", MODEL, "--image", IMAGE, "--prompt", "Où est 猫 ?", "--max-tokens", "4",
      "--trace", "-"};

  @TempDir Path folder;

  @Test void localesOfTheEnvironmentChangeNothing() throws IOException {
    String expected = Started.winnow(Map.of("LC_ALL", "C.UTF-8"), FRENCH).timeless();
    assertFalse(expected.contains("\uFFFD"));
    assertEquals(expected, Started.winnow(Map.of("LC_ALL", "C"), FRENCH).timeless());
    assertEquals(expected, Started.winnow(Map.of(), FRENCH).timeless());
    Map<String, String> turkish = Map.of("JAVA_TOOL_OPTIONS", "-Duser.language=tr -Duser.country=TR");
    assertEquals(expected, Started.winnow(turkish, FRENCH).timeless());
    Path rig = Rig.answering(Files.createDirectory(folder.resolve("modele")), 539, 448, 332, 243, 162, 155, 131, 2).path;
    String[] quiet = {"ask", "--model", rig.toString(), "--prompt", "x", "--quiet"};
    assertArrayEquals("a 😀\n".getBytes(StandardCharsets.UTF_8), Started.winnow(Map.of("LC_ALL", "C"), quiet).outBytes());
  }

  /** Without the launcher some Javas cannot decode such arguments in the C locale: that is refused, never asked. */
  @Test void undecodableArgumentsAreRefused() {
    String classPath = Started.APPLICATION.resolve("lib") + "/*";
    Ran ran = Started.run(Map.of("LC_ALL", "C"), Started.with(FRENCH, "java", "-cp", classPath, "dev.winnow.cli.Winnow"));
    if (ran.status() == 0) assertEquals(Started.winnow(Map.of(), FRENCH).timeless(), ran.timeless());
    else assertTrue(ran.status() == 2 && ran.err().contains("LC_ALL=C.UTF-8"), ran.toString());
  }

  /** Application, model, picture, trace and cache in folders with blanks and letters beyond ASCII, started through a link. */
  @Test void anyFolderNamesWork() throws IOException {
    assumeTrue("UTF-8".equals(System.getProperty("sun.jnu.encoding")), "this JVM cannot make such folders");
    Path odd = Files.createDirectories(folder.resolve("ä b 猫"));
    copy(Started.APPLICATION, odd.resolve("winnow app"), true);
    Path model = odd.resolve("modèle");
    copy(Path.of(MODEL), model, false);
    Path image = Files.copy(Path.of(IMAGE), odd.resolve("ein bild 1.jpg"));
    Path link = Files.createSymbolicLink(odd.resolve("start me"), odd.resolve("winnow app/bin/winnow"));
    Path trace = odd.resolve("trace ü.json");
    Ran ran = Started.run(Map.of("WINNOW_CACHE", odd.resolve("cache").toString()), link.toString(), "ask", "--model", model.toString(),
        "--image", image.toString(), "--prompt", "Où est 猫 ?", "--max-tokens", "4", "--trace", trace.toString());
    assertEquals(0, ran.status(), ran.toString());
    String ids = Started.winnow(Map.of(), FRENCH).traces().get(0).at("/generated/ids").toString();
    assertTrue(Files.readString(trace).contains("\"generated\":{\"ids\":" + ids), ran.toString());
    for (String cache : new String[] {"cache/javacpp", "cache/tokenizers"}) assertTrue(Files.isDirectory(odd.resolve(cache)), cache);
  }

  @Test void withoutHomeAPrivateTemporaryFolderServes() throws IOException {
    String options = "-Duser.home=/nonexistent -Djava.io.tmpdir=" + folder;
    Ran ran = Started.winnow(Map.of("WINNOW_JAVA_OPTS", options), FRENCH);
    assertEquals(0, ran.status(), ran.toString());
    try (Stream<Path> made = Files.list(folder)) {
      assertTrue(made.anyMatch(path -> path.getFileName().toString().startsWith("winnow-cache-")));
    }
    Ran nowhere = Started.winnow(Map.of("WINNOW_CACHE", "/proc/none"), FRENCH);
    assertEquals(2, nowhere.status(), nowhere.toString());
    for (String named : new String[] {"/proc/none", "WINNOW_CACHE", "org.bytedeco.javacpp.cachedir", "ENGINE_CACHE_DIR"}) {
      assertTrue(nowhere.err().contains(named), nowhere.toString());
    }
  }

  @Test void oneProcessorMeansOneThread() {
    String expected = Started.winnow(Map.of(), FRENCH).traces().get(0).at("/generated/ids").toString();
    Map<String, String> one = Map.of("WINNOW_JAVA_OPTS", "-XX:ActiveProcessorCount=1");
    assertTrue(Started.winnow(one, "info").out().matches("(?s).*processors +1 that.*threads +1,.*"));
    assertEquals(expected, Started.winnow(one, FRENCH).traces().get(0).at("/generated/ids").toString());
    assumeTrue(Started.has("taskset"));
    Ran bound = Started.run(Map.of(), "taskset", "-c", "0", Started.APPLICATION.resolve("bin/winnow").toString(), "info");
    assertTrue(bound.out().matches("(?s).*processors +1 that.*"), bound.toString());
  }

  /** Root is not bound by the limit, so another user runs it. */
  @Test void aProcessLimitIsAMessage() throws IOException {
    assumeTrue(Started.has("setpriv") && "root".equals(System.getProperty("user.name")), "needs root and setpriv to become another user");
    Path launcher = Files.createDirectories(folder.resolve("app/bin")).resolve("winnow");
    Files.createDirectory(folder.resolve("app/lib"));
    Files.copy(Started.APPLICATION.resolve("bin/winnow"), launcher, StandardCopyOption.COPY_ATTRIBUTES);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    String command = "ulimit -u 20 && exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$0\" info";
    Ran ran = Started.run(Map.of(), "bash", "-c", command, launcher.toString());
    assertEquals(1, ran.status(), ran.toString());
    assertTrue(ran.err().lines().count() == 1 && ran.err().contains("ulimit -u"), ran.toString());
  }

  @Test void aSmallHeapIsEnoughOrIsRefused() {
    String model = TestData.path("parity/models/llava15-mha-336").toString();
    String[] args = {"ask", "--model", model, "--image", IMAGE, "--prompt", "x", "--max-tokens", "2", "--quiet"};
    Ran ran = Started.winnow(Map.of("WINNOW_JAVA_OPTS", "-Xmx48m"), args);
    assertTrue(ran.status() == 0 || ran.status() == 3 && ran.err().contains("-Xmx"), ran.toString());
    Ran limited = Started.winnow(Map.of("WINNOW_JAVA_OPTS", "-Xmx48m -Dorg.bytedeco.javacpp.maxPhysicalBytes=64m"), args);
    assertEquals(3, limited.status(), limited.toString());
    assertTrue(limited.err().contains("org.bytedeco.javacpp.maxPhysicalBytes"), limited.toString());
  }

  @Test void aMissingOrOldJavaIsNamed() throws IOException {
    Path bin = Files.createDirectories(folder.resolve("old/bin"));
    Files.writeString(bin.resolve("java"), "#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n").toFile().setExecutable(true);
    Ran old = Started.winnow(Map.of("JAVA_HOME", folder.resolve("old").toString()), "info");
    assertTrue(old.status() == 1 && old.err().contains("11.0.2") && old.err().contains("openjdk-17-jre-headless"), old.toString());
    Ran wrong = Started.winnow(Map.of("JAVA_HOME", "/nonexistent"), "info");
    assertTrue(wrong.status() == 1 && wrong.err().contains("JAVA_HOME"), wrong.toString());
    Path tools = Files.createDirectories(folder.resolve("tools"));
    for (String tool : new String[] {"sh", "readlink", "sed", "id"}) Files.createSymbolicLink(tools.resolve(tool), tool(tool));
    Ran none = Started.run(Map.of("PATH", tools.toString()), Started.APPLICATION.resolve("bin/winnow").toString(), "info");
    assertTrue(none.status() == 1 && none.err().contains("openjdk-17-jre-headless"), none.toString());
  }

  @Test void infoSaysWhyNativesCannotBeLoaded() throws IOException {
    Path crippled = folder.resolve("crippled");
    copy(Started.APPLICATION, crippled, true);
    try (Stream<Path> jars = Files.list(crippled.resolve("lib"))) {
      for (Path jar : (Iterable<Path>) jars::iterator) if (jar.toString().matches(".*/winnow-.*linux-x86_64.jar")) Files.delete(jar);
    }
    Ran ran = Started.run(Map.of(), crippled.resolve("bin/winnow").toString(), "info");
    assertEquals(0, ran.status(), ran.toString());
    assertTrue(ran.out().contains("unavailable") && ran.out().contains("dev.winnow:winnow"), ran.toString());
    assertTrue(ran.out().contains("CPU capability"), "what can be loaded is told of: " + ran);
    Ran ask = Started.run(Map.of(), Started.with(FRENCH, crippled.resolve("bin/winnow").toString()));
    assertTrue(ask.status() == 1 && ask.err().contains("classifier linux-x86_64"), ask.toString());
  }

  /** A signal while libtorch computes: the JVM must not pull the libraries from under it. */
  @Test void aSignalEndsAnAnswerWithoutACrash() throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(Started.with(new String[] {"ask", "--model", MODEL, "--image", IMAGE, "--prompt", "x",
        "--max-tokens", "3000"}, Started.APPLICATION.resolve("bin/winnow").toString()));
    Path err = folder.resolve("err");
    Process process = builder.directory(folder.toFile()).redirectError(err.toFile()).start();
    assertTrue(process.getInputStream().read() >= 0, () -> "no text came: " + read(err));
    process.toHandle().destroy(); // the process's own destroy would close its output first
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(143, process.exitValue(), () -> read(err));
    assertTrue(read(err).contains("interrupted") && !read(err).contains("SIG"), () -> read(err));
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(List.of("err"), left.map(path -> path.getFileName().toString()).toList());
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  private static Path tool(String name) { return Path.of(Started.run(Map.of(), "sh", "-c", "command -v " + name).out().strip()); }

  private static void copy(Path from, Path to, boolean linkJars) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) Files.createDirectories(target);
        else if (linkJars && file.toString().endsWith(".jar")) Files.createSymbolicLink(target, file);
        else Files.copy(file, target, StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
  }
}
