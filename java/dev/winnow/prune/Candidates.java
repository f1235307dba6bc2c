package dev.winnow.prune;

import dev.winnow.decoder.CutView;
import dev.winnow.decoder.Segment;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/**
 * The visual tokens of one image that are still there at the input of a decoder layer. They are neighbours both among the rows entering the
 * layer and among the keys.
 *
 * @param view the sequence at that point
 * @param segment the image as it entered the language model
 * @param original original index within the image of each candidate, ascending
 * @param firstKey number of the first candidate among the key rows; -1 where the view has no keys
 */
public record Candidates(CutView view, Segment segment, int[] original, int firstKey) {
  /** The candidates among rows whose original indices are {@code origins}. */
  static Candidates of(CutView view, Segment segment, int[] origins) {
    int from = lowerBound(origins, segment.start());
    int to = lowerBound(origins, segment.end());
    int[] original = new int[to - from];
    for (int i = 0; i < original.length; i++) original[i] = origins[from + i] - segment.start();
    int firstKey = view.keyOrigins() == null || original.length == 0 ? -1 : lowerBound(view.keyOrigins(), origins[from]);
    return new Candidates(view, segment, original, firstKey);
  }

  /** First place whose value is not below {@code value} in an ascending array. */
  static int lowerBound(int[] ascending, int value) {
    int at = Arrays.binarySearch(ascending, value);
    return at >= 0 ? at : -at - 1;
  }

  public int count() { return original.length; }

  /** Tokens of the image as it entered the language model. */
  public int total() { return segment.length(); }

  public Tensor queries() { return view.queries(); }

  public Tensor keys() { return view.keys(); }
}
