package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Limits on processes are read before OpenMP runs into them: a user's, which counts the threads of all his processes, and a control
 * group's.
 */
class ThreadRoomTest {
  @TempDir Path temp;

  private void process(String id, int user, int threads) throws IOException {
    Path folder = Files.createDirectories(temp.resolve(id));
    Files.writeString(folder.resolve("status"), "Name:\tx\nUid:\t" + user + "\t" + user + "\nThreads:\t" + threads + "\n");
  }

  @Test void aUsersLimitCountsTheThreadsOfHisProcesses() throws IOException {
    process("self", 1000, 30);
    process("17", 1000, 30);
    process("18", 1000, 12);
    process("19", 0, 500);
    Files.writeString(temp.resolve("self/limits"), """
        Limit                     Soft Limit           Hard Limit           Units
        Max processes             50                   60                   processes
        """);
    assertEquals(8, ThreadRoom.userRoom(temp));
    Files.writeString(temp.resolve("self/limits"), "Max processes             20                   60                   processes\n");
    assertEquals(0, ThreadRoom.userRoom(temp), "over the limit already");
    Files.writeString(temp.resolve("self/limits"), "Max processes             unlimited            unlimited            processes\n");
    assertEquals(Long.MAX_VALUE, ThreadRoom.userRoom(temp));
  }

  @Test void rootIsNotBoundByIt() throws IOException {
    process("self", 0, 30);
    Files.writeString(temp.resolve("self/limits"), "Max processes             10                   10                   processes\n");
    assertEquals(Long.MAX_VALUE, ThreadRoom.userRoom(temp));
  }

  @Test void aControlGroupsLimit() throws IOException {
    assertEquals(Long.MAX_VALUE, ThreadRoom.groupRoom(temp), "no files");
    Files.writeString(temp.resolve("pids.max"), "100\n");
    Files.writeString(temp.resolve("pids.current"), "96\n");
    assertEquals(4, ThreadRoom.groupRoom(temp));
    Files.writeString(temp.resolve("pids.max"), "max\n");
    assertEquals(Long.MAX_VALUE, ThreadRoom.groupRoom(temp));
  }

  @Test void oneThreadIsAlwaysGranted() { assertEquals(1, ThreadRoom.granted(1)); }
}
