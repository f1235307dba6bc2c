package dev.winnow.conform;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.engine.SequenceRun;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Site;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Compares what the cuts inside the decoder did with the {@code stages} of a trace. */
final class StageChecks {
  private StageChecks() {}

  static void compare(JsonNode expected, SequenceRun run, int pre, int vision, int text, Check check) {
    List<CutRecord> cuts = run.cuts().stream().filter(cut -> cut.site().kind() == Site.Kind.LAYER).toList();
    int[] lengths = run.sequence().cache().lengths();
    int[] block = IntStream.range(0, vision).toArray();
    int s = 0;
    for (JsonNode stage : expected.path("stages")) {
      String at = "stages[" + s++ + "]";
      int entering = stage.has("entering_layer") ? stage.get("entering_layer").asInt() : stage.get("after_layer").asInt() + 1;
      CutRecord cut = cuts.stream().filter(one -> one.site().index() == entering).findFirst().orElse(null);
      // where no image token is left, the engine has nothing to cut and records nothing
      check.same(at + " cuts", cut != null, stage.get("candidates").asInt() > 0);
      if (cut == null) continue;
      check.same(at + ".candidates", cut.before(), stage.get("candidates").asInt());
      int stayed = cut.kept().length - cut.merged().size();
      if (stage.has("kept")) check.ints(at + ".kept", cut.kept(), stage.get("kept"));
      if (stage.has("kept_current")) check.ints(at + ".kept_current", numbers(block, Arrays.copyOf(cut.kept(), stayed)),
          stage.get("kept_current"));
      if (stage.has("scores")) check.vector(at + ".scores", cut.scores(), stage.get("scores"));
      if (stage.has("column_sums")) check.vector(at + ".column_sums", cut.scores(), stage.get("column_sums"));
      if (stage.has("clusters")) merges(at, cut, block, stage, check);
      boolean hides = run.plan().cacheCuts().isEmpty() && entering < lengths.length && lengths[entering] == pre + vision + text;
      check.same(at + ".sequence_length", pre + text + (hides ? vision : cut.kept().length), stage.get("sequence_length").asInt());
      block = cut.kept();
    }
    if (expected.has("retained_average")) check.value("retained_average", average(cuts, vision, lengths.length),
        expected.get("retained_average").asDouble());
    JsonNode before = expected.path("prefill").path("kv_lengths_before_policy");
    if (before.isArray()) check.ints("prefill.kv_lengths_before_policy", beforePolicy(run, lengths, pre + text), before);
  }

  private static void merges(String at, CutRecord cut, int[] block, JsonNode stage, Check check) {
    check.same(at + ".clusters", cut.merged().size(), stage.get("clusters").asInt());
    if (!stage.has("recycled")) return;
    int[] recycled = numbers(block, cut.merged().stream().flatMapToInt(merge -> IntStream.of(merge.from())).toArray());
    check.same(at + ".recycled (as a set)", IntStream.of(recycled).sorted().boxed().toList(),
        IntStream.of(TensorSpec.ints(stage.get("recycled"))).sorted().boxed().toList());
  }

  /** Places in the block before a stage of tokens given by original index. */
  private static int[] numbers(int[] block, int[] originals) {
    return Arrays.stream(originals).map(original -> IntStream.range(0, block.length).filter(i ->
        block[i] == original).findFirst().orElse(-1)).toArray();
  }

  /** Image tokens left behind each layer, on average. */
  private static double average(List<CutRecord> cuts, int vision, int layers) {
    double sum = 0;
    for (int layer = 0; layer < layers; layer++) {
      int left = vision;
      for (CutRecord cut : cuts) if (cut.site().index() <= layer + 1) left = cut.kept().length;
      sum += left;
    }
    return sum / layers;
  }

  /** Rows per layer before the cache was cut at the end of the prompt. */
  private static int[] beforePolicy(SequenceRun run, int[] lengths, int others) {
    int[] before = lengths.clone();
    for (CutRecord cut : run.cuts()) {
      if (cut.site().kind() == Site.Kind.CACHE) for (int layer : cut.layers()) before[layer] = cut.before() + others;
    }
    return before;
  }
}
