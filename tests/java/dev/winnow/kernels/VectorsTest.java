package dev.winnow.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class VectorsTest {
  private static final float[] AWKWARD = {Float.NaN, -0f, 2, 0f, Float.NEGATIVE_INFINITY, 2, -1, Float.POSITIVE_INFINITY, Float.NaN,
      Float.MIN_VALUE, -Float.MIN_VALUE};

  @Test void ranksByFallingValueThenIndex() {
    assertArrayEquals(new int[] {7, 2, 5, 9, 1, 3, 10, 6, 4, 0, 8}, Vectors.ranked(AWKWARD));
    assertArrayEquals(new int[0], Vectors.ranked(new float[0]));
  }

  @Test void argmaxIsTheFirstOfTheRanked() {
    assertEquals(7, Vectors.argmax(AWKWARD));
    assertEquals(1, Vectors.argmax(new float[] {Float.NaN, 3, 3}));
    assertEquals(0, Vectors.argmax(new float[] {Float.NaN, Float.NaN}));
  }
}
