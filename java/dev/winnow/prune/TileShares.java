package dev.winnow.prune;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/** Divides a picture's budget among its tiles. */
public interface TileShares {
  /**
   * The same for every tile; what does not divide goes one by one to the first tiles, the whole picture before its parts. What a tile has
   * too few patches for goes to the others, likewise.
   */
  TileShares EQUAL = (facts, scores, tokens) -> equal(facts, tokens);

  /**
   * @param scores per tile float32 [patches], or null
   * @param tokens of the whole picture
   * @return patches that stay, per tile, none more than the tile has
   */
  int[] of(VisionFacts facts, List<Tensor> scores, int tokens);

  /** Whether it takes the first tile for the whole picture and the others for its parts. */
  default boolean needsWholePicture() { return false; }

  /** What the division looks at, beside the scores. */
  default VisionNeeds needs() { return VisionNeeds.NOTHING; }

  static int[] equal(VisionFacts facts, int tokens) {
    return equal(tokens, IntStream.range(0, facts.tiles()).map(facts::patches).toArray());
  }

  /** @param room most that each tile can have */
  static int[] equal(int tokens, int... room) {
    int[] shares = new int[room.length];
    int left = Math.min(tokens, Arrays.stream(room).sum());
    while (left > 0) {
      int[] open = IntStream.range(0, room.length).filter(t -> shares[t] < room[t]).toArray();
      int each = left / open.length;
      int more = left % open.length;
      for (int i = 0; i < open.length; i++) {
        int given = Math.min(room[open[i]] - shares[open[i]], each + (i < more ? 1 : 0));
        shares[open[i]] += given;
        left -= given;
      }
    }
    return shares;
  }
}
