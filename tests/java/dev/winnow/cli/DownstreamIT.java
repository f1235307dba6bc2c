package dev.winnow.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.winnow.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A Maven project that depends on the installed jars asks a question: on a plain class path, from a shaded jar, and from an executable
 * jar with jars nested in it. It resolves from a repository of its own that shows all but Winnow through links, so nothing is installed
 * for good.
 */
class DownstreamIT {
  private static final Path BASE = Path.of(System.getProperty("winnow.basedir", ".")).toAbsolutePath().normalize();
  private static final String MODEL = TestData.path("parity/models/llava15-mha-56").toAbsolutePath().normalize().toString();
  private static final String IMAGE = TestData.path("parity/images/photo_333x251.jpg").toAbsolutePath().normalize().toString();
  private static final String PROMPT = "USER: <image>\nWhat is this? ASSISTANT:";
  private static final String FOUND = "demo resources found";

  @TempDir Path folder;

  @Test void aDependentProjectAsksFromEveryKindOfJar() throws IOException {
    Ran own = Started.winnow(Map.of(), "ask", "--model", MODEL, "--image", IMAGE, "--raw-prompt", "--prompt", PROMPT, "--max-tokens", "8",
        "--trace", "-");
    String ids = own.traces().get(0).at("/generated/ids").toString().replace(",", ", ");

    Path repository = repository();
    String jar = BASE.resolve("target/winnow-" + System.getProperty("winnow.version")).toString();
    String install = "org.apache.maven.plugins:maven-install-plugin:3.1.4:install-file";
    maven(repository, install, "-Dfile=" + jar + ".jar", "-DpomFile=" + BASE.resolve("pom.xml"));
    maven(repository, install, "-Dfile=" + jar + "-linux-x86_64.jar", "-DpomFile=" + BASE.resolve("pom.xml"), "-Dclassifier=linux-x86_64");
    Path project = project();
    maven(repository, "-f", project.toString(), "package", "-Dmodel=" + MODEL, "-Dimage=" + IMAGE,
        "-Dwinnow.version=" + System.getProperty("winnow.version"));

    List<String> plain = Files.readAllLines(project.resolve("target/plain.txt"));
    assertEquals(List.of(ids, FOUND), plain.subList(plain.size() - 2, plain.size()));
    for (String kind : new String[] {"shaded", "nested"}) {
      String executable = project.resolve("target/downstream-1-" + kind + ".jar").toString();
      Ran ran = Started.run(Map.of("WINNOW_CACHE", folder.resolve("cache").toString()), "java", "-jar", executable, MODEL, IMAGE);
      assertEquals(ids + "\n" + FOUND + "\n", ran.out(), kind + ": " + ran);
      assertFalse(ran.err().contains("SLF4J"), kind + ": " + ran);
    }
  }

  /** The user's repository seen through links, but for what this test installs. */
  private Path repository() throws IOException {
    Path real = Path.of(System.getProperty("maven.repository"));
    Path repository = Files.createDirectories(folder.resolve("repository"));
    link(real, repository, "dev");
    link(real.resolve("dev"), Files.createDirectory(repository.resolve("dev")), "winnow");
    return repository;
  }

  private static void link(Path from, Path to, String except) throws IOException {
    if (!Files.isDirectory(from)) return;
    try (Stream<Path> entries = Files.list(from)) {
      for (Path entry : (Iterable<Path>) entries::iterator) {
        if (!entry.getFileName().toString().equals(except)) Files.createSymbolicLink(to.resolve(entry.getFileName()), entry);
      }
    }
  }

  private Path project() throws IOException {
    Path source = BASE.resolve("tests/downstream");
    Path project = folder.resolve("downstream");
    try (Stream<Path> files = Files.walk(source)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        Path target = project.resolve(source.relativize(file).toString());
        Files.createDirectories(target.getParent());
        Files.copy(file, target);
      }
    }
    return project;
  }

  private static void maven(Path repository, String... args) {
    String tool = System.getProperty("maven.home") + "/bin/mvn";
    Map<String, String> environment = Map.of("HOME", System.getProperty("user.home"), "JAVA_HOME", System.getProperty("java.home"));
    Ran ran = Started.run(environment, Started.with(args, tool, "-B", "-q", "-Dmaven.repo.local=" + repository));
    assertEquals(0, ran.status(), ran.toString());
  }
}
