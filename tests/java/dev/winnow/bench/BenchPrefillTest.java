package dev.winnow.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InsufficientMemoryException;
import dev.winnow.InvalidInputException;
import dev.winnow.kernels.Dtype;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** The model benchmark reports what the engine did, gives its memory back, and refuses what it cannot measure. */
class BenchPrefillTest {
  @Test void reportsRowsBytesAndOperationsOfEachPlan() {
    BenchResult result = BenchPrefill.run(options(BenchShape.TINY, List.of("pyramiddrop", "fastv"), Map.of("ratio", "0.75")));
    assertEquals(List.of("none", "pyramiddrop", "fastv"), result.rows().stream().map(BenchResult.Row::method).toList());
    assertArrayEquals(new int[] {40, 40, 40, 40, 40, 40, 40, 40}, result.rows().get(0).rows());
    assertArrayEquals(new int[] {40, 40, 24, 24, 16, 16, 12, 12}, result.rows().get(1).rows());
    assertArrayEquals(new int[] {40, 40, 16, 16, 16, 16, 16, 16}, result.rows().get(2).rows());
    BenchResult.Row none = result.rows().get(0);
    assertEquals(1, none.speedup());
    assertEquals(none.fullBytes(), none.heldBytes());
    assertEquals(0, none.times().pruning());
    assertEquals(32, none.average());
    for (BenchResult.Row row : result.rows().subList(1, 3)) {
      assertTrue(row.heldBytes() < row.fullBytes() && row.fullBytes() == none.fullBytes());
      assertTrue(row.times().pruning() > 0 && row.times().pruning() < row.times().prefill());
      assertEquals(32, row.entering());
      assertTrue(row.flops().speedup() > 1);
    }
    assertEquals((2 * 32 + 2 * 16 + 2 * 8 + 2 * 4) / 8.0, result.rows().get(1).average());
    assertTrue(result.table().contains("pyramiddrop") && result.json().startsWith("{\"format\":\"winnow.bench/1\""));
  }

  @Test void givesItsMemoryBack() {
    BenchPrefill.run(options(BenchShape.TINY, List.of("fastv"), Map.of()));
    long objects = Pointer.totalCount();
    BenchPrefill.run(options(BenchShape.TINY, List.of("fastv"), Map.of()));
    assertEquals(objects, Pointer.totalCount());
  }

  @Test void refusesByName() {
    assertThrows(InvalidInputException.class, () -> BenchShape.named("llama"));
    assertThrows(InvalidInputException.class, () -> BenchPrefill.run(options(BenchShape.TINY, List.of("nothing"), Map.of())));
    assertThrows(InvalidInputException.class, () -> BenchPrefill.run(options(BenchShape.TINY, List.of("fastv"), Map.of("layers", "2"))));
    assertThrows(InvalidInputException.class, () -> new BenchModelOptions(BenchShape.TINY, 0, BenchPruning.NONE, false, Dtype.FLOAT32,
        1, 0, 32, 1, 1));
    assertThrows(InsufficientMemoryException.class, () -> BenchPrefill.run(new BenchModelOptions(BenchShape.LLAVA_1_5_13B, 900,
        BenchPruning.NONE, false, Dtype.FLOAT32, 1, 8, 32, 1, 1)));
  }

  private static BenchModelOptions options(BenchShape shape, List<String> methods, Map<String, String> settings) {
    BenchPruning pruning = new BenchPruning(BenchPruning.sharing(methods, settings), OptionalInt.empty());
    return new BenchModelOptions(shape, 0, pruning, false, Dtype.FLOAT32, 1, 8, 32, 2, 2);
  }
}
