package dev.winnow.engine;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * How many more threads this process may start. OpenMP ends the whole process when it cannot start one, so the room is looked at before.
 * Two limits count: the user's (ulimit -u; it does not bind root) and the control group's.
 */
final class ThreadRoom {
  /** Left to the JVM, whose own threads come and go. */
  private static final long RESERVE = 8;
  private static final String NUMBER = "[0-9]{1,18}";
  private static final Path PROC = Path.of("/proc");
  private static final Path GROUP = Path.of("/sys/fs/cgroup");

  private ThreadRoom() {}

  /** The threads wanted, or 1 where there is no room for more. */
  static int granted(int wanted) { return wanted > 1 && room() < wanted + RESERVE ? 1 : wanted; }

  /** Threads that can still be started; a large number where nothing limits them. */
  static long room() { return Math.min(userRoom(PROC), groupRoom(GROUP)); }

  static long userRoom(Path proc) {
    long limit = Long.MAX_VALUE;
    for (String line : lines(proc.resolve("self/limits"))) {
      String[] words = line.split("\\s+");
      if (line.startsWith("Max processes") && words[2].matches(NUMBER)) limit = Long.parseLong(words[2]);
    }
    String user = field(proc.resolve("self"), "Uid:");
    if (limit == Long.MAX_VALUE || user.isEmpty() || user.equals("0")) return Long.MAX_VALUE;
    long used = 0;
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[0-9]*")) {
      for (Path process : processes) {
        String threads = user.equals(field(process, "Uid:")) ? field(process, "Threads:") : "";
        if (threads.matches("[0-9]{1,9}")) used += Long.parseLong(threads);
      }
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
    return Math.max(0, limit - used);
  }

  static long groupRoom(Path group) {
    List<String> limit = lines(group.resolve("pids.max"));
    List<String> used = lines(group.resolve("pids.current"));
    boolean known = !limit.isEmpty() && !used.isEmpty() && limit.get(0).matches(NUMBER) && used.get(0).matches(NUMBER);
    if (!known) return Long.MAX_VALUE;
    return Math.max(0, Long.parseLong(limit.get(0)) - Long.parseLong(used.get(0)));
  }

  /** The first word after a name in a process's status; empty if the process is gone. */
  private static String field(Path process, String name) {
    for (String line : lines(process.resolve("status"))) {
      if (line.startsWith(name)) return line.substring(name.length()).strip().split("\\s+")[0];
    }
    return "";
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException | RuntimeException e) {
      return List.of();
    }
  }
}
