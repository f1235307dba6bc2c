package dev.winnow.vision;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import org.junit.jupiter.api.Test;

class PillowResizeTest {
  /** Sizes up, down, odd, one pixel, and each filter, against checksums of Pillow 12.3 over the same generated picture. */
  @Test
  void equalsPillowForEveryFilterAndShape() {
    for (JsonNode row : Fixtures.json(Fixtures.DATA.resolve("pictures/resized.json"))) {
      RgbImage in = Fixtures.gradient(row.get("in").get(0).asInt(), row.get("in").get(1).asInt());
      PillowResize.Filter filter = PillowResize.Filter.of(row.get("resample").asInt());
      RgbImage out = PillowResize.resize(in, row.get("out").get(0).asInt(), row.get("out").get(1).asInt(), filter);
      assertEquals(row.get("crc32").asText(), Fixtures.crc(out), row::toString);
    }
  }

  @Test
  void windowEqualsCropOfTheWhole() {
    RgbImage in = Fixtures.gradient(97, 61);
    int[][] sizes = {{200, 33}, {97, 33}, {33, 61}, {97, 61}, {31, 200}};
    for (int[] size : sizes) {
      RgbImage whole = PillowResize.resize(in, size[0], size[1], PillowResize.Filter.BICUBIC);
      int w = size[0] / 2;
      int h = size[1] / 3;
      RgbImage window = PillowResize.resize(in, size[0], size[1], PillowResize.Filter.BICUBIC, 5, 7, w, h);
      for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
          for (int c = 0; c < 3; c++) assertEquals(whole.channel(x + 5, y + 7, c), window.channel(x, y, c));
        }
      }
    }
  }

  @Test
  void sameSizeIsTheSamePictureAndExtremesStayCheap() {
    RgbImage in = Fixtures.gradient(30, 20);
    assertSame(in, PillowResize.resize(in, 30, 20, PillowResize.Filter.BICUBIC));
    // one column of 60,000 scaled to a shortest edge of 336 would be 20 million rows; the window is all that is made
    RgbImage thin = Fixtures.gradient(1, 60_000);
    RgbImage out = PillowResize.resize(thin, 336, 336 * 60_000, PillowResize.Filter.BICUBIC, 0, 10_000_000, 336, 336);
    byte[] column = new byte[336 * 3];
    for (int y = 0; y < 336; y++) System.arraycopy(out.rgb(), (y * 336 + 100) * 3, column, y * 3, 3);
    RgbImage again = PillowResize.resize(thin, 336, 336 * 60_000, PillowResize.Filter.BICUBIC, 100, 10_000_000, 1, 336);
    assertArrayEquals(again.rgb(), column);
  }

  @Test
  void refusesUnknownFiltersAndWindowsOutside() {
    assertThrows(InvalidInputException.class, () -> PillowResize.Filter.of(0));
    assertThrows(InvalidInputException.class, () -> PillowResize.Filter.of(6));
    RgbImage in = Fixtures.gradient(3, 3);
    assertThrows(InvalidInputException.class, () -> PillowResize.resize(in, 9, 9, PillowResize.Filter.BICUBIC, 1, 0, 9, 9));
    assertThrows(InvalidInputException.class, () -> PillowResize.resize(in, 0, 9, PillowResize.Filter.BICUBIC));
  }
}
