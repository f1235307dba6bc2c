package dev.winnow.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** Measures stages that follow each other, by the wall clock and in processor time of the whole process. */
final class BenchClock {
  private static final OperatingSystemMXBean SYSTEM = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private long wall = System.nanoTime();
  private long cpu = SYSTEM.getProcessCpuTime();

  /** Milliseconds. */
  record Lap(double wall, double cpu) {}

  /** Since the last lap or the start. */
  Lap lap() {
    long nowWall = System.nanoTime();
    long nowCpu = SYSTEM.getProcessCpuTime();
    Lap lap = new Lap((nowWall - wall) / 1e6, (nowCpu - cpu) / 1e6);
    wall = nowWall;
    cpu = nowCpu;
    return lap;
  }
}
