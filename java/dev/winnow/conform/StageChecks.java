package dev.winnow.conform;

import dev.winnow.engine.SequenceRun;
import dev.winnow.kernels.Vectors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Site;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/** Compares what the cuts inside the decoder did with the {@code stages} of a trace. */
final class StageChecks {
  private StageChecks() {}

  static void compare(CaseNode expected, SequenceRun run, int pre, int vision, int text, Witness witness, Check check) {
    List<CutRecord> cuts = run.cuts().stream().filter(cut -> cut.site().kind() == Site.Kind.LAYER).toList();
    int[] lengths = run.sequence().cache().lengths();
    int[] block = IntStream.range(0, vision).toArray();
    int s = 0;
    for (CaseNode stage : expected.path("stages")) {
      String at = "stages[" + s++ + "]";
      int entering = stage.has("entering_layer") ? stage.get("entering_layer").asInt() : stage.get("after_layer").asInt() + 1;
      CutRecord cut = cuts.stream().filter(one -> one.site().index() == entering).findFirst().orElse(null);
      // where no image token is left, the engine has nothing to cut and records nothing
      check.same(at + " cuts", cut != null, stage.get("candidates").asInt() > 0);
      if (stage.has("score_layer")) check.same(at + ".score_layer", entering - 1, stage.get("score_layer").asInt());
      if (cut == null) {
        check.same(at + ".kept", stage.path("kept").size() + stage.path("kept_current").size(), 0);
        check.same(at + ".sequence_length", pre + text, stage.get("sequence_length").asInt());
        if (stage.has("scores")) check.vector(at + ".scores", new float[0], stage.get("scores"));
        continue;
      }
      check.same(at + ".candidates", cut.before(), stage.get("candidates").asInt());
      int stayed = cut.kept().length - cut.merged().size();
      if (stage.has("kept")) check.ints(at + ".kept", cut.kept(), stage.get("kept"));
      if (stage.has("kept_current")) check.ints(at + ".kept_current", numbers(block, Arrays.copyOf(cut.kept(), stayed)),
          stage.get("kept_current"));
      if (stage.has("scores")) check.vector(at + ".scores", cut.scores(), stage.get("scores"));
      if (stage.has("column_sums")) check.vector(at + ".column_sums", cut.scores(), stage.get("column_sums"));
      told(at, entering, witness, vision, stage, check);
      if (stage.has("clusters")) merges(at, cut, block, stage, check);
      boolean hides = run.plan().cacheCuts().isEmpty() && entering < lengths.length && lengths[entering] == pre + vision + text;
      check.same(at + ".sequence_length", pre + text + (hides ? vision : cut.kept().length), stage.get("sequence_length").asInt());
      block = cut.kept();
    }
    if (expected.has("raters")) check.ints("raters", IntStream.of(witness.raters()).map(origin -> origin - pre - vision).toArray(),
        expected.get("raters"));
    if (expected.has("retained_average")) check.value("retained_average", average(cuts, vision, lengths.length),
        expected.get("retained_average").asDouble());
    CaseNode before = expected.path("prefill").path("kv_lengths_before_policy");
    if (before.isArray()) check.ints("prefill.kv_lengths_before_policy", beforePolicy(run, lengths, pre + text), before);
  }

  private static void merges(String at, CutRecord cut, int[] block, CaseNode stage, Check check) {
    check.same(at + ".clusters", cut.merged().size(), stage.get("clusters").asInt());
    if (!stage.has("recycled")) return;
    BitSet members = new BitSet();
    cut.merged().forEach(merge -> IntStream.of(numbers(block, merge.from())).forEach(members::set));
    check.ints(at + ".recycled", IntStream.of(Vectors.ranked(cut.scores())).filter(members::get).toArray(), stage.get("recycled"));
  }

  /** What the parts of the plan were heard to say. */
  private static void told(String at, int layer, Witness witness, int vision, CaseNode stage, Check check) {
    if (stage.has("column_max")) check.vector(at + ".column_max", witness.columnMax(layer), stage.get("column_max"));
    if (stage.has("filter_kept")) check.ints(at + ".filter_kept", witness.filtered(layer), stage.get("filter_kept"));
    if (stage.has("heads")) check.ints(at + ".heads", witness.heads(layer), stage.get("heads"));
    if (stage.has("rank")) check.same(at + ".rank", witness.rank(layer), stage.get("rank").asInt());
    if (stage.has("text_rows")) {
      int gone = vision - stage.get("candidates").asInt();
      check.ints(at + ".text_rows", IntStream.of(witness.raters()).map(origin -> origin - gone).toArray(), stage.get("text_rows"));
    }
    if (stage.has("cluster_tokens")) {
      Witness.Rows made = witness.made(layer);
      check.matrix(at + ".cluster_tokens", made.values(), made.width(), stage.get("cluster_tokens"));
    }
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
