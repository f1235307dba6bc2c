package dev.winnow.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.WinnowException;
import dev.winnow.kernels.NativeLibrary;
import java.util.List;
import java.util.Locale;

/** What {@link BenchKernels} measured, as a table or as JSON. */
public record BenchKernelsResult(int runs, List<Row> rows) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * One kernel at one size; times are medians in microseconds of a call.
   *
   * @param beside the composition that it is measured beside
   * @param bytes that must be read and written, each once
   * @param operations floating-point operations; 0 where there is no arithmetic to speak of
   * @param ceiling libtorch's sum or copy of as many bytes
   */
  public record Row(String name, String size, String beside, long bytes, double operations, double ours, double theirs, double ceiling) {
    public double times() { return theirs / ours; }

    /** 10^9 bytes per second. */
    public double bandwidth() { return bytes / ours / 1e3; }

    public double shareOfCeiling() { return ceiling / ours; }
  }

  /** Lines of a table, without a line break at the end. */
  public String table() {
    StringBuilder text = new StringBuilder();
    text.append(String.format(Locale.ROOT, "kernels from Java, %s, 1 thread, processor time, medians of up to %d interleaved samples%n", NativeLibrary.cpuTier(), runs));
    text.append(String.format(Locale.ROOT, "%-22s %-24s %11s %11s %7s %9s %7s %8s %8s  %s%n", "kernel", "size", "us", "libtorch us", "times", "MB", "GB/s", "ceiling", "GFLOP/s",
        "beside"));
    for (Row row : rows) {
      text.append(String.format(Locale.ROOT, "%-22s %-24s %11.2f %11.2f %6.1fx %9.3f %7.1f %7.0f%% %8s  %s%n", row.name(), row.size(), row.ours(), row.theirs(), row.times(),
          row.bytes() / 1e6, row.bandwidth(), 100 * row.shareOfCeiling(), row.operations() == 0 ? "" : String.format(Locale.ROOT, "%.1f", row.operations() / row.ours() / 1e3),
          row.beside()));
    }
    return text.toString().stripTrailing();
  }

  /** One JSON object on one line. */
  public String json() {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", "winnow.bench.kernels/1").put("cpu_tier", NativeLibrary.cpuTier()).put("threads", 1).put("runs", runs);
    ArrayNode list = root.putArray("results");
    for (Row row : rows) {
      list.addObject().put("kernel", row.name()).put("size", row.size()).put("beside", row.beside()).put("bytes", row.bytes()).put("flops", row.operations())
          .put("us", row.ours()).put("libtorch_us", row.theirs()).put("ceiling_us", row.ceiling()).put("times", row.times())
          .put("gb_per_s", row.bandwidth()).put("share_of_ceiling", row.shareOfCeiling());
    }
    try {
      return JSON.writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new WinnowException("cannot write the result: " + e.getMessage(), e);
    }
  }
}
