package dev.winnow.engine;

import dev.winnow.prune.PlanReader;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/** Plans with several cuts before the decoder, for tests. */
final class Chain {
  private Chain() {}

  /** A cut as {@code site name parameters}, with parameters as JSON fields. */
  static PlanReader plan(String... cuts) { return with("", cuts); }

  static PlanReader with(String fields, String... cuts) {
    String list = Arrays.stream(cuts).map(cut -> cut.split(" ", 3)).map(cut -> "{\"site\":\"" + cut[0] + "\",\"reducer\":{\"name\":\""
        + cut[1] + "\"" + (cut.length > 2 ? "," + cut[2] : "") + "}}").collect(Collectors.joining(",\n"));
    return PlanReader.parse("{\"format\":\"winnow.plan/1\"," + fields + "\"cuts\":[" + list + "]}", "p");
  }

  static String tokens(String cut, int tokens) { return cut + " \"tokens\":" + tokens; }

  static Set<Integer> set(int[] values) { return Arrays.stream(values).boxed().collect(Collectors.toSet()); }
}
