package dev.winnow.cli;

import dev.winnow.engine.Model;
import dev.winnow.eval.EvalItem;
import dev.winnow.kernels.Dtype;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What calibrations by questions have in common: model in float32, questions, folder. */
final class QuestionsMixin {
  @Mixin private ModelMixin model;

  @Mixin private DataMixin data;

  @Option(names = "--limit", paramLabel = "N", defaultValue = "20",
      description = "Take the first N questions only; 0 for all. Default: ${DEFAULT-VALUE}.")
  private int limit;

  @Option(names = "--out", paramLabel = "DIR", defaultValue = "winnow-calibrate",
      description = "Folder for results. Default: ${DEFAULT-VALUE}.")
  private Path out;

  Model open() { return Model.open(model.folder(), model.in(Dtype.of("float32"))); }

  List<EvalItem> read() { return data.read(Set.of(), limit); }

  Path data() { return data.file(); }

  Path out() { return out; }

  Path results() { return out.resolve("divergences.jsonl"); }
}
