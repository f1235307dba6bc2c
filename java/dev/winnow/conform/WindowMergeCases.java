package dev.winnow.conform;

import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.TowerMerge;
import dev.winnow.prune.VisionCapture;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.patches.WindowMerge;
import dev.winnow.vision.VisionObserver;
import dev.winnow.vision.VisionTower;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** The cases of MustDrop's stage in the tower. */
final class WindowMergeCases {
  private static final double THRESHOLD = 0.8;
  private static final int WINDOW = 3;
  private static final double KEY_SHARE = 0.08;
  private static final int SIZES_LISTED = 16;

  private WindowMergeCases() {}

  static void merge(CaseNode inputs, CaseNode params, CaseNode expected, Check check) {
    try (PointerScope scope = new PointerScope()) {
      Tensor tokens = tokens(inputs.get("tokens"));
      WindowMerge.Merged merged = new WindowMerge(params.get("threshold").asDouble(), WINDOW, KEY_SHARE, 0).merge(tokens);
      int tiles = (int) tokens.size(0);
      int windows = merged.windows()[0].length;
      int left = (int) merged.rows().size(1) - 1;
      check.same("merged_windows", windows, expected.get("merged_windows").asInt());
      check.same("vision_tokens_out", left, expected.get("vision_tokens_out").asInt());
      int[] sizes = IntStream.range(0, Math.min(SIZES_LISTED, left + 1)).map(row -> row >= 1 && row <= windows ? WINDOW * WINDOW
          : 1).toArray();
      check.ints("sizes_first16", sizes, expected.get("sizes_first16"));
      for (int t = 0; t < tiles; t++) {
        check.matrix("output[" + t + "]", merged.rows().select(0, t), expected.get("output").get(t));
        check.ints("window_order[" + t + "]", merged.windows()[t], expected.get("window_order").get(t));
        check.ints("unmerged_tokens[" + t + "]", merged.others()[t], expected.get("unmerged_tokens").get(t));
      }
      check.rows("rows_first4_dims8", merged.rows().select(0, 0), expected.get("rows_first4_dims8"));
    }
  }

  static void keyTokens(CaseNode inputs, CaseNode expected, Check check) {
    try (PointerScope scope = new PointerScope()) {
      WindowMerge stage = new WindowMerge(THRESHOLD, WINDOW, KEY_SHARE, 0);
      int left = (int) stage.merge(tokens(inputs.get("tokens"))).rows().size(1) - 1;
      check.same("vision_tokens", left, expected.get("vision_tokens").asInt());
      TensorSpec attention = TensorSpec.read(inputs.get("class_attention"));
      Tensor rows = Tensors.floats(attention.values(), Tensors.CPU, attention.shape()[0], attention.shape()[1]).narrow(1, 1, left);
      check.floats("scores", Tensors.toFloats(rows.mean(0)), expected.get("scores"));
      int[] keys = stage.keyTokens(rows);
      check.same("count", keys.length, expected.get("count").asInt());
      check.ints("key_tokens", keys, expected.get("key_tokens"));
    }
  }

  /** A whole tower whose embedding is replaced by the given tokens. */
  static void encoder(CaseNode inputs, CaseNode expected, Check check) {
    CaseNode shape = inputs.get("encoder");
    int layers = shape.get("layers").asInt();
    WindowMerge stage = new WindowMerge(THRESHOLD, WINDOW, KEY_SHARE, layers - 1);
    try (PointerScope scope = new PointerScope(); GoldenTower weights = new GoldenTower(shape)) {
      Tensor tokens = tokens(inputs.get("tokens"));
      VisionConfig config = weights.config((int) tokens.size(1) - 1);
      try (VisionTower tower = weights.tower(config); TowerMerge merge = stage.towerMerge(0, left -> { });
          VisionCapture capture = new VisionCapture(stage.needs(), merge, config)) {
        Entered entered = new Entered(tokens, capture);
        Tensor features = Tensors.adopt(scope, tower.encode(weights.blank(config), entered));
        VisionFacts facts = capture.facts(features);
        Reduction tile = merge.result(facts).get(0);
        CaseNode counts = expected.get("tokens_per_state");
        check.same("tokens_per_state", entered.counts, Arrays.stream(TensorSpec.ints(counts)).limit(layers).boxed().toList());
        check.same("vision_tokens", tile.kept().length, expected.get("vision_tokens").asInt());
        check.floats("class_attention", Tensors.toFloats(facts.classAttention(layers - 1, 0).mean(0)),
            expected.get("class_attention"));
        check.ints("key_tokens", tile.keyRows(), expected.get("key_tokens"));
        check.matrix("features", tile.rows(), expected.get("features"));
      }
    }
  }

  private static Tensor tokens(CaseNode descriptor) {
    TensorSpec spec = TensorSpec.read(descriptor);
    int[] s = spec.shape();
    return s.length == 3 ? Tensors.floats(spec.values(), Tensors.CPU, s[0], s[1], s[2]) : Tensors.floats(spec.values(), Tensors.CPU, 1,
        s[0], s[1]);
  }

  /** Lets given tokens take the place of the embedding, and counts the tokens that enter each block that runs. */
  private static final class Entered implements VisionObserver {
    final List<Integer> counts = new ArrayList<>();
    private final Tensor tokens;
    private final VisionObserver inner;

    Entered(Tensor tokens, VisionObserver inner) {
      this.tokens = tokens;
      this.inner = inner;
    }

    @Override public int deepestBlock() { return inner.deepestBlock(); }

    @Override public Tensor afterEmbedding(Tensor hidden) { return counted(inner.afterEmbedding(tokens.clone())); }

    @Override public void projections(int block, Tensor query, Tensor key, Tensor value) { inner.projections(block, query, key, value); }

    @Override public Tensor afterAttention(int block, Tensor hidden) { return inner.afterAttention(block, hidden); }

    @Override public Tensor afterBlock(int block, Tensor hidden) { return counted(inner.afterBlock(block, hidden)); }

    private Tensor counted(Tensor hidden) {
      counts.add((int) hidden.size(1));
      return hidden;
    }
  }
}
