package dev.winnow.cli;

import dev.winnow.kernels.Dtype;
import picocli.CommandLine.Option;

/** In which numbers to compute. */
final class DtypeMixin {
  @Option(names = "--dtype", paramLabel = "TYPE", description = "float32, bfloat16 or float16. Default: that of the checkpoint.")
  private String dtype;

  /** Null for that of the checkpoint. */
  Dtype dtype() { return dtype == null ? null : Dtype.of(dtype); }
}
