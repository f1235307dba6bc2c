package dev.winnow.engine;

import static org.bytedeco.pytorch.global.torch.cat;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.Segment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/**
 * The rows of one turn: embedded text with each placeholder replaced by the rows of its picture or video.
 *
 * @param rows [n, hidden]; belongs to the scope in which it was assembled
 * @param segments what they are made of, starting at 0
 */
public record Prompt(Tensor rows, List<Segment> segments) {
  /** As {@link ModelConfig#videoTokenId} where a family takes no videos. */
  private static final int NO_ID = -1;

  /** A prompt without videos; see the other one. */
  public static Prompt assemble(int[] ids, int imageId, List<Tensor> images, int firstImage, Decoder decoder) {
    return assemble(ids, imageId, NO_ID, images, images.size(), firstImage, decoder);
  }

  /**
   * @param ids token ids with one placeholder per picture and per video
   * @param visuals rows of each picture, in order, then of each video; they are numbered so, wherever they stand
   * @param images how many of them are pictures
   * @param first number of the first of them within the session
   * @throws InvalidInputException if there are not as many placeholders as pictures and videos
   */
  public static Prompt assemble(int[] ids, ModelConfig config, List<Tensor> visuals, int images, int first, Decoder decoder) {
    return assemble(ids, config.imageTokenId(), config.videoTokenId(), visuals, images, first, decoder);
  }

  private static Prompt assemble(int[] ids, int imageId, int videoId, List<Tensor> visuals, int images, int first, Decoder decoder) {
    requireEqual(ids, imageId, "image", images, "picture");
    requireEqual(ids, videoId, "video", visuals.size() - images, "video");
    List<Tensor> parts = new ArrayList<>();
    List<Segment> segments = new ArrayList<>();
    int row = 0;
    int image = 0;
    int video = images;
    for (int from = 0; from < ids.length; ) {
      int to = from;
      while (to < ids.length && ids[to] != imageId && ids[to] != videoId) to++;
      if (to > from) {
        parts.add(decoder.embed(Arrays.copyOfRange(ids, from, to)));
        segments.add(new Segment(-1, row, to - from));
        row += to - from;
      }
      if (to < ids.length) {
        boolean isVideo = ids[to] == videoId;
        int number = isVideo ? video++ : image++;
        Tensor rows = visuals.get(number);
        parts.add(rows);
        segments.add(new Segment(first + number, row, (int) rows.size(0), isVideo));
        row += (int) rows.size(0);
        to++;
      }
      from = to;
    }
    if (parts.isEmpty()) throw new InvalidInputException("the prompt is empty; give some text or a picture");
    return new Prompt(cat(new TensorVector(parts.toArray(new Tensor[0])), 0), segments);
  }

  private static void requireEqual(int[] ids, int placeholder, String option, int given, String what) {
    long wanted = Arrays.stream(ids).filter(id -> id == placeholder).count();
    if (wanted == given) return;
    throw new InvalidInputException("the prompt has " + count(wanted, "<" + option + "> placeholder") + " but " + count(given, what)
        + " came with it; give as many --" + option + " as <" + option + ">");
  }

  private static String count(long n, String what) { return n + " " + what + (n == 1 ? "" : "s"); }
}
