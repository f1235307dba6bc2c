package dev.winnow.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.Test;

/** The raw binding: descriptors reach the library as the header says, errors come back with their message. */
class WnTest {
  private static Wn.Context cpu() {
    PointerPointer<Wn.Context> out = new PointerPointer<>(1);
    assertEquals(Wn.WN_OK, Wn.wn_ctx_create(Wn.WN_CPU, 0, out));
    return new Wn.Context(out.get(0));
  }

  @Test
  void selectsThenCompacts() {
    try (PointerScope scope = new PointerScope()) {
      Wn.Context ctx = cpu();
      FloatPointer scores = new FloatPointer(3, 2, 3, 2, 1, 1);
      IntPointer keep = new IntPointer(8);
      IntPointer count = new IntPointer(1);
      Wn.SelectionDesc select = new Wn.SelectionDesc();
      select.rule(Wn.WN_TOPK).rows(1).max_len(6).k(3).prefix(1).max_keep(8);
      select.scores(scores).keep(keep).keep_count(count);
      Pointer workspace = aligned(Wn.wn_select_workspace(ctx, select));
      assertEquals(Wn.WN_OK, Wn.wn_select(ctx, select, workspace, workspace.limit(), null), () -> Wn.wn_last_error().getString());
      assertEquals(4, count.get());
      int[] kept = new int[4];
      keep.get(kept);
      assertArrayEquals(new int[] {0, 1, 2, 3}, kept);

      LongPointer rows = new LongPointer(10, 11, 12, 13, 14, 15, 16);
      keep.put(0, 2, 3, 6);
      Wn.CompactionDesc compact = new Wn.CompactionDesc();
      compact.n_planes(1).batch(1).heads(1).n_rows(7).row_bytes(8).max_keep(4);
      compact.plane_addr(new LongPointer(new long[] {rows.address()})).sn(8).keep(keep);
      assertEquals(Wn.WN_OK, Wn.wn_kv_compact(ctx, compact, null), () -> Wn.wn_last_error().getString());
      long[] left = new long[7];
      rows.get(left);
      assertArrayEquals(new long[] {10, 12, 13, 16, 14, 15, 16}, left);
      Wn.wn_ctx_destroy(ctx);
    }
  }

  @Test
  void errorsNameTheArgument() {
    try (PointerScope scope = new PointerScope()) {
      Wn.Context ctx = cpu();
      Wn.ScoreDesc score = new Wn.ScoreDesc();
      assertEquals(-Wn.WN_EINVAL, Wn.wn_score_workspace(ctx, score.heads_q(7).heads_kv(4).head_dim(64)));
      assertTrue(Wn.wn_last_error().getString().contains("heads_q = 7 is not a multiple of heads_kv = 4"));
      Wn.wn_ctx_destroy(ctx);
    }
  }

  @Test
  void everyDescriptorHasTheSizeOfTheHeader() {
    try (PointerScope scope = new PointerScope()) {
      Wn.Context ctx = cpu();
      // an empty batch is fine, a wrong struct_size would not be
      Wn.ScoreDesc score = new Wn.ScoreDesc().heads_q(1).heads_kv(1).head_dim(1);
      long bytes = Wn.wn_score_workspace(ctx, score);
      assertEquals(Wn.WN_OK, Wn.wn_score(ctx, score, aligned(bytes), bytes, null));
      Wn.SimilarityDesc sim = new Wn.SimilarityDesc().op(Wn.WN_SIM_PIVOTS).dim(1);
      bytes = Wn.wn_sim_workspace(ctx, sim);
      assertEquals(Wn.WN_OK, Wn.wn_sim(ctx, sim, aligned(bytes), bytes, null));
      Wn.GreedyDesc greedy = new Wn.GreedyDesc().dim(1);
      bytes = Wn.wn_greedy_workspace(ctx, greedy);
      assertEquals(Wn.WN_OK, Wn.wn_greedy(ctx, greedy, aligned(bytes), bytes, null));
      Wn.SelectionDesc selection = new Wn.SelectionDesc();
      bytes = Wn.wn_select_workspace(ctx, selection);
      assertEquals(Wn.WN_OK, Wn.wn_select(ctx, selection, aligned(bytes), bytes, null));
      assertEquals(Wn.WN_OK, Wn.wn_gather_rows(ctx, new Wn.GatherDesc().row_bytes(1), null));
      assertEquals(Wn.WN_OK, Wn.wn_kv_compact(ctx, new Wn.CompactionDesc().row_bytes(1), null));
      assertEquals(Wn.WN_OK, Wn.wn_merge_rows(ctx, new Wn.MergeDesc().dim(1), null));
      Wn.wn_ctx_destroy(ctx);
    }
  }

  /** Workspace memory of at least the size asked for, on the 64-byte boundary that the library wants. */
  private static Pointer aligned(long bytes) {
    assertTrue(bytes >= 0, () -> Wn.wn_last_error().getString());
    FloatPointer memory = new FloatPointer(bytes / 4 + 32);
    long shift = -memory.address() & 63;
    return memory.getPointer(shift / 4).limit(bytes);
  }
}
