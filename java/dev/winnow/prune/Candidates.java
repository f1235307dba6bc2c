package dev.winnow.prune;

import dev.winnow.decoder.CutView;
import dev.winnow.decoder.Segment;
import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * The visual tokens of one image that are still there at the input of a decoder layer. They are neighbours both among the rows entering the
 * layer and among the keys.
 *
 * @param view the sequence at that point; null between steps, where only the cache is there
 * @param segment the image as it entered the language model
 * @param firstRow number of the first candidate among the rows that it was found in
 * @param original original index within the image of each candidate: ascending, but for merged ones, which come last
 * @param firstKey number of the first candidate among the key rows; -1 where the view has no keys
 * @param notes what was found out about the image before this cut
 */
public record Candidates(CutView view, Segment segment, int firstRow, int[] original, int firstKey, ImageNotes notes) {
  /** The candidates among rows whose original indices are {@code origins}; they are neighbours there. */
  static Candidates of(CutView view, Segment segment, int[] origins, ImageNotes notes) {
    Candidates rows = cached(segment, origins, notes);
    int firstKey = view.keyOrigins() == null || rows.count() == 0 ? -1 : indexOf(view.keyOrigins(), origins[rows.firstRow()]);
    return new Candidates(view, segment, rows.firstRow(), rows.original(), firstKey, notes);
  }

  /** The candidates among rows of a cache whose original indices are {@code origins}: there is nothing to view. */
  static Candidates cached(Segment segment, int[] origins, ImageNotes notes) {
    int from = 0;
    while (from < origins.length && !segment.contains(origins[from])) from++;
    int to = from;
    while (to < origins.length && segment.contains(origins[to])) to++;
    int[] original = new int[to - from];
    for (int i = 0; i < original.length; i++) original[i] = origins[from + i] - segment.start();
    return new Candidates(null, segment, from, original, -1, notes);
  }

  private static int indexOf(int[] values, int value) {
    for (int i = 0; i < values.length; i++) if (values[i] == value) return i;
    return -1;
  }

  public int count() { return original.length; }

  /** Tokens of the image as it entered the language model. */
  public int total() { return segment.length(); }

  /** Rows of the text behind the image that this pass brings, ascending: those whose attention text-guided methods look at. */
  public int[] textRows() {
    return rowsWhere(origin -> origin >= segment.end() && view.segments().stream().noneMatch(other -> !other.isText()
        && other.contains(origin)));
  }

  /** The rows with these original positions, ascending. */
  public int[] rowsAt(int[] positions) {
    return rowsWhere(origin -> Arrays.stream(positions).anyMatch(position -> position == origin));
  }

  private int[] rowsWhere(IntPredicate wanted) {
    int[] origins = view.origins();
    return IntStream.range(0, origins.length).filter(row -> wanted.test(origins[row])).toArray();
  }

  /** float32 [rows.length, candidates]: what each of these rows pays each candidate, softmax over the keys it sees, mean over heads. */
  public Tensor attentionOf(int[] rows) {
    int first = (int) keys().size(0) - view.origins().length;
    int[] visible = Arrays.stream(rows).map(row -> first + row + 1).toArray();
    return Kernels.attentionMap(queries().index_select(0, Tensors.indices(rows, queries().device())), visible, keys(), firstKey, count());
  }

  /** Hidden rows of some candidates, [candidates.length, hidden]. */
  public Tensor hidden(int[] numbers) {
    return view.hidden().index_select(0, Tensors.indices(Arrays.stream(numbers).map(i -> firstRow + i).toArray(), view.hidden().device()));
  }

  public Tensor queries() { return view.queries(); }

  public Tensor keys() { return view.keys(); }
}
