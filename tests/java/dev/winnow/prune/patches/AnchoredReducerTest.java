package dev.winnow.prune.patches;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.winnow.prune.TileShares;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Rows of tiles under RESTORE: what the selector kept is never given up for anchors of other tiles. */
class AnchoredReducerTest {
  @Test void tilesThatTheSelectorFavoursKeepWhatItChose() {
    assertArrayEquals(new int[] {6, 2, 2}, AnchoredReducer.shares(new int[] {6, 0, 0}, 10, 16, 16, 16));
    assertArrayEquals(new int[] {3, 4, 3}, AnchoredReducer.shares(new int[] {1, 4, 0}, 10, 16, 16, 16));
    assertArrayEquals(new int[] {4, 4}, AnchoredReducer.shares(new int[] {4, 1}, 99, 4, 4));
    assertArrayEquals(new int[] {0, 0}, AnchoredReducer.shares(new int[] {0, 0}, -2, 4, 4));
  }

  @Test void withoutFavourTheyShareAlike() {
    Random random = new Random(5);
    for (int i = 0; i < 200; i++) {
      int tiles = 1 + random.nextInt(6);
      int tokens = random.nextInt(tiles * 9);
      int[] room = IntStream.generate(() -> 9).limit(tiles).toArray();
      int[] equal = TileShares.equal(tokens, room);
      int[] selected = equal.clone();
      for (int t = 0; t < tiles; t++) selected[t] = random.nextInt(equal[t] + 1);
      assertArrayEquals(equal, AnchoredReducer.shares(selected, tokens, room));
    }
  }
}
