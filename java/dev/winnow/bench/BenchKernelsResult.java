package dev.winnow.bench;

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
   * @param touched bytes that a series of calls comes back to
   * @param operations floating-point operations; 0 where there is no arithmetic to speak of
   * @param ceiling GB/s of libtorch's sum or copy over 256 MiB in the same run
   */
  public record Row(String name, String size, String beside, long bytes, long touched, double operations, double ours, double theirs,
      double ceiling) {
    /** Data of this size may stay in a processor's caches from call to call, and memory is then no ceiling. */
    private static final long CACHE_BYTES = 128L << 20;

    public double times() { return theirs / ours; }

    /** 10^9 bytes per second. */
    public double bandwidth() { return bytes / ours / 1e3; }

    public boolean cached() { return touched < CACHE_BYTES; }

    public double shareOfCeiling() { return bandwidth() / ceiling; }

    private String share() { return cached() ? "cache" : String.format(Locale.ROOT, "%.0f%%", 100 * shareOfCeiling()); }

    private String arithmetic() { return operations == 0 ? "" : String.format(Locale.ROOT, "%.1f", operations / ours / 1e3); }
  }

  /** Lines of a table, without a line break at the end. */
  public String table() {
    StringBuilder text = new StringBuilder();
    text.append(String.format(Locale.ROOT, "kernels from Java, %s, 1 thread, processor time, medians of up to %d interleaved samples%n",
        NativeLibrary.cpuTier(), runs));
    text.append(String.format(Locale.ROOT, "%-22s %-24s %11s %11s %8s %9s %7s %8s %8s  %s%n", "kernel", "size", "us", "libtorch us",
        "times", "MB", "GB/s", "ceiling", "GFLOP/s", "beside"));
    for (Row row : rows) {
      text.append(String.format(Locale.ROOT, "%-22s %-24s %11.2f %11.2f %7.1fx %9.3f %7.1f %8s %8s  %s%n", row.name(), row.size(),
          row.ours(), row.theirs(), row.times(), row.bytes() / 1e6, row.bandwidth(), row.share(), row.arithmetic(), row.beside()));
    }
    text.append("ceiling: share of what libtorch's sum (kernels that read) or copy (that move rows) reached over 256 MiB in this run;\n")
        .append("cache: the data may stay in the processor's caches between calls, so memory is no ceiling");
    return text.toString();
  }

  /** One JSON object on one line. */
  public String json() {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", "winnow.bench.kernels/2").put("cpu_tier", NativeLibrary.cpuTier()).put("threads", 1).put("runs", runs);
    ArrayNode list = root.putArray("results");
    for (Row row : rows) {
      list.addObject().put("kernel", row.name()).put("size", row.size()).put("beside", row.beside()).put("bytes", row.bytes())
          .put("flops", row.operations())
          .put("us", row.ours()).put("libtorch_us", row.theirs()).put("ceiling_gb_per_s", row.ceiling()).put("times", row.times())
          .put("gb_per_s", row.bandwidth()).put("in_cache", row.cached()).put("share_of_ceiling", row.shareOfCeiling());
    }
    try {
      return JSON.writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new WinnowException("cannot write the result: " + e.getMessage(), e);
    }
  }
}
