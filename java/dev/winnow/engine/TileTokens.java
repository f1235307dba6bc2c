package dev.winnow.engine;

import dev.winnow.kernels.Kernels;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Reduction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * What is left of one tile between two cuts before the decoder, told in terms of its patches. Its tokens are the rows that stand for a
 * patch; cuts choose among them.
 *
 * @param rows [rows, width], in the order in which they enter the language model, without a class token that the checkpoint keeps
 * @param kept the patch that each row is listed by; {@link Reduction#NO_PATCH} for one that stands for none
 * @param made per patch that a row is listed by all that the row is made of, ascending, where that is more than the patch itself
 * @param keys patches whose rows the decoder must not drop
 */
record TileTokens(Tensor rows, int[] kept, Map<Integer, int[]> made, int[] keys) {
  /** All patches of a tile. {@code rows} may be null where the first cut brings its own. */
  static TileTokens whole(Tensor rows, int patches) {
    return new TileTokens(rows, IntStream.range(0, patches).toArray(), Map.of(), new int[0]);
  }

  /** Rows that are tokens, ascending. */
  int[] tokens() { return IntStream.range(0, kept.length).filter(row -> kept[row] != Reduction.NO_PATCH).toArray(); }

  TileTokens with(Tensor otherRows) { return new TileTokens(otherRows, kept, made, keys); }

  /** The tokens, in the order of the rows. */
  Tensor tokenRows() {
    int[] tokens = tokens();
    return tokens.length == kept.length ? rows : Kernels.gatherRows(rows.contiguous(), tokens);
  }

  /**
   * Behind a cut. Rows that stand for no patch go on around those that it leaves: the first ones in front, the others behind.
   *
   * @param cut in terms of the tokens
   */
  TileTokens after(Reduction cut) {
    int[] tokens = tokens();
    int front = tokens.length == 0 ? kept.length : tokens[0];
    int[] others = IntStream.range(front, kept.length).filter(row -> kept[row] == Reduction.NO_PATCH).toArray();
    int[] left = new int[front + cut.kept().length + others.length];
    Arrays.fill(left, Reduction.NO_PATCH);
    for (int row = 0; row < cut.kept().length; row++) left[front + row] = patch(tokens, cut.kept()[row]);
    Map<Integer, int[]> now = new HashMap<>(made);
    for (CutRecord.Merged merge : merged(cut)) now.put(merge.into(), merge.from());
    int[] ownKeys = Arrays.stream(cut.keyRows()).map(row -> left[front + row]).toArray();
    int[] oldKeys = Arrays.stream(keys).filter(key -> Arrays.stream(left).anyMatch(patch -> patch == key)).toArray();
    return new TileTokens(rowsAfter(cut, tokens, front, others), left, now, IntStream.concat(IntStream.of(ownKeys),
        IntStream.of(oldKeys)).toArray());
  }

  private Tensor rowsAfter(Reduction cut, int[] tokens, int front, int[] others) {
    Tensor own = cut.rows() != null ? cut.rows()
        : Kernels.gatherRows(rows.contiguous(), Arrays.stream(cut.kept()).map(token -> tokens[token]).toArray());
    if (front + others.length == 0) return own;
    Tensor behind = Kernels.gatherRows(rows.contiguous(), others);
    return torch.cat(new TensorVector(rows.narrow(0, 0, front), own, behind), 0);
  }

  private int patch(int[] tokens, int token) { return token == Reduction.NO_PATCH ? Reduction.NO_PATCH : kept[tokens[token]]; }

  /** What a cut merges, by patches: each row with all that it is made of, through earlier cuts too. */
  List<CutRecord.Merged> merged(Reduction cut) {
    int[] tokens = tokens();
    List<CutRecord.Merged> merges = new ArrayList<>();
    for (CutRecord.Merged merge : cut.merges()) {
      IntStream from = Arrays.stream(merge.from()).map(token -> patch(tokens, token));
      // rows made by an earlier cut may share patches
      int[] all = made.isEmpty() ? from.toArray() : from.flatMap(this::madeOf).distinct().sorted().toArray();
      merges.add(new CutRecord.Merged(patch(tokens, merge.into()), all));
    }
    return merges;
  }

  private IntStream madeOf(int patch) { return made.containsKey(patch) ? Arrays.stream(made.get(patch)) : IntStream.of(patch); }

  /** Patches that a row is made of; 1 for a row that stands for none. */
  int size(int row) { return made.containsKey(kept[row]) && kept[row] != Reduction.NO_PATCH ? Math.max(1, made.get(kept[row]).length) : 1; }

  /** Patches that rows are listed by, ascending. */
  int[] patches() { return Arrays.stream(kept).filter(patch -> patch != Reduction.NO_PATCH).sorted().toArray(); }

  /** Scores of the tokens in the order of their patches. */
  float[] byPatch(float[] scores) {
    int[] tokens = tokens();
    float[] ordered = new float[scores.length];
    List<Integer> order = IntStream.range(0, scores.length).boxed().sorted(Comparator.comparingInt(i -> kept[tokens[i]])).toList();
    for (int i = 0; i < ordered.length; i++) ordered[i] = scores[order.get(i)];
    return ordered;
  }

  /** Rows that the decoder must not drop. */
  int[] keyRows() {
    Map<Integer, Integer> rowOf = new HashMap<>();
    for (int row = kept.length - 1; row >= 0; row--) rowOf.put(kept[row], row);
    return Arrays.stream(keys).map(rowOf::get).toArray();
  }
}
