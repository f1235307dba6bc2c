package dev.winnow.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.kernels.NativeLibrary;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** WINNOW_CPU_TIER, which a process reads once: processes of their own. */
class CpuTierTest {
  private static Ran winnow(String tier, String... args) {
    String classPath = System.getProperty("java.class.path");
    return Started.run(Map.of("WINNOW_CPU_TIER", tier), Started.with(args, "java", "-cp", classPath, "dev.winnow.cli.Winnow"));
  }

  @Test void aTierThatExistsIsUsed() {
    Ran ran = winnow("portable", "info");
    assertEquals(0, ran.status(), ran::toString);
    assertTrue(ran.out().contains("portable"), ran::toString);
  }

  @Test void aTierThatDoesNotExistIsRefusedByName() {
    Ran ran = winnow("avx9", "bench", "kernels", "--only", "select");
    assertEquals(2, ran.status(), ran::toString);
    String line = ran.err();
    assertTrue(line.contains("WINNOW_CPU_TIER = avx9") && line.contains(NativeLibrary.cpuTiers()), line);
    assertEquals(1, line.lines().count(), line);
  }
}
