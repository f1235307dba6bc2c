package dev.winnow.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Machines whose C library cannot carry libtorch are told so, with both versions. */
class HostLibcTest {
  @ParameterizedTest
  @ValueSource(strings = {"glibc 2.34", "glibc 2.17", "glibc 1.99"})
  void anOldGlibcIsNamed(String version) {
    String problem = HostLibc.problem(version);
    assertTrue(problem.contains("glibc 2.35") && problem.contains(version), problem);
  }

  @Test void muslIsNamed() { assertTrue(HostLibc.problem("musl").contains("musl (Alpine)")); }

  @ParameterizedTest
  @ValueSource(strings = {"glibc 2.35", "glibc 2.36", "glibc 2.100", "glibc 3.0", "unknown", "", "glibc next"})
  void whatIsNewEnoughOrUnknownIsLeftAlone(String version) { assertEquals("", HostLibc.problem(version)); }

  @Test void thisMachineHasOneThatWorks() { assertEquals("", HostLibc.problem(HostLibc.version())); }
}
