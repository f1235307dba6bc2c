package dev.winnow.engine;

import static org.bytedeco.pytorch.global.torch.cat;

import dev.winnow.InvalidInputException;
import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.Segment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/**
 * The rows of one turn: embedded text with each placeholder replaced by the rows of its picture.
 *
 * @param rows [n, hidden]; belongs to the scope in which it was assembled
 * @param segments what they are made of, starting at 0
 */
public record Prompt(Tensor rows, List<Segment> segments) {
  /**
   * @param ids token ids with one {@code imageId} per picture
   * @param images rows of each picture, in order
   * @param firstImage number of the first picture within the session
   * @throws InvalidInputException if there are not as many placeholders as pictures
   */
  public static Prompt assemble(int[] ids, int imageId, List<Tensor> images, int firstImage, Decoder decoder) {
    long placeholders = Arrays.stream(ids).filter(id -> id == imageId).count();
    if (placeholders != images.size()) {
      throw new InvalidInputException("the prompt has " + count(placeholders, "<image> placeholder") + " but "
          + count(images.size(), "picture") + " came with it; give as many --image as <image>");
    }
    List<Tensor> parts = new ArrayList<>();
    List<Segment> segments = new ArrayList<>();
    int row = 0;
    int image = 0;
    for (int from = 0; from < ids.length; ) {
      int to = from;
      while (to < ids.length && ids[to] != imageId) to++;
      if (to > from) {
        parts.add(decoder.embed(Arrays.copyOfRange(ids, from, to)));
        segments.add(new Segment(-1, row, to - from));
        row += to - from;
      }
      if (to < ids.length) {
        Tensor rows = images.get(image);
        parts.add(rows);
        segments.add(new Segment(firstImage + image++, row, (int) rows.size(0)));
        row += (int) rows.size(0);
        to++;
      }
      from = to;
    }
    if (parts.isEmpty()) throw new InvalidInputException("the prompt is empty; give some text or a picture");
    return new Prompt(cat(new TensorVector(parts.toArray(new Tensor[0])), 0), segments);
  }

  private static String count(long n, String what) { return n + " " + what + (n == 1 ? "" : "s"); }
}
