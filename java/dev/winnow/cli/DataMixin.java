package dev.winnow.cli;

import dev.winnow.eval.DataSet;
import dev.winnow.eval.EvalItem;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Option;

/** Questions about pictures. */
final class DataMixin {
  @Option(names = "--data", required = true, paramLabel = "FILE",
      description = "Questions: one JSON object a line, or a file of VQAv2, GQA, TextVQA or POPE as published (docs/eval.md).")
  private Path data;

  @Option(names = "--annotations", paramLabel = "FILE", description = "Answers, where the data set keeps them apart (VQAv2).")
  private Path annotations;

  @Option(names = "--images", paramLabel = "DIR",
      description = "Folder of the pictures. Default: that of the questions, or 'images' in it.")
  private Path images;

  Path file() { return data; }

  List<EvalItem> read(Set<String> families, int limit) { return DataSet.read(data, annotations, images, families, limit); }
}
