package dev.winnow.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.SequenceRun;
import dev.winnow.eval.Variant;
import dev.winnow.kernels.Dtype;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlannedRows;
import dev.winnow.vision.VisionObserver;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** The model benchmark with a tower: what cuts before the decoder reaches it as in a session, at the budget that was asked for. */
class BenchTowerTest {
  private static final int TEXT = 8;
  private static final int PICTURE = 64;
  private static final int IMAGE = -200;

  private static BenchModelOptions options(boolean tower, OptionalInt budget, String... variants) {
    BenchPruning pruning = new BenchPruning(Stream.of(variants).map(Variant::parse).toList(), budget);
    return new BenchModelOptions(BenchShape.TINY, 0, pruning, tower, Dtype.FLOAT32, 1, TEXT, 0, 1, 1);
  }

  private static BenchModelOptions at(int budget, String... variants) { return options(true, OptionalInt.of(budget), variants); }

  @Test void everyMethodHoldsTheSameBudget() {
    BenchModelOptions options = at(24, "visionzip", "divprune", "tome", "mmtok", "restore_anchors", "pyramiddrop", "sparsevlm",
        "mustdrop cache=false", "mustdrop merge=0 cache=false");
    List<BenchArm> arms = BenchPrefill.arms(options);
    List<Plan> plans = options.pruning().plans(options).stream().map(BenchPruning.Named::plan).toList();
    BenchResult result = BenchPrefill.run(options, arms);
    BenchResult.Row none = result.rows().get(0);
    assertEquals(PICTURE, none.entering());
    assertEquals(PICTURE, none.average());
    for (int i = 0; i < plans.size(); i++) {
      BenchResult.Row row = result.rows().get(i + 1);
      assertTrue(row.average() > 23 && row.average() <= 24, row.label() + " holds " + row.average());
      assertEquals(none.fullBytes(), row.fullBytes(), row.label());
      assertTrue(row.times().vision() > 0 && row.flops().speedup() > 1, row.label());
      if (plans.get(i).cuts().isEmpty()) assertEquals(24, row.entering(), row.label());
      int[] planned = Arrays.stream(PlannedRows.of(plans.get(i), 8, row.entering())).map(rows -> rows + TEXT).toArray();
      assertArrayEquals(planned, row.rows(), row.label());
    }
    assertTrue(result.rows().get(9).entering() < PICTURE, "windows with a mean cosine above 0 are merged");
  }

  /** What the plain model makes of tower, projector and decoder one after the other, bit by bit. */
  @Test void withoutACutTheTowerFeedsThePlainModel() {
    try (BenchModel model = new BenchModel(BenchShape.TINY.config(8), Dtype.FLOAT32, 1);
        BenchTower tower = new BenchTower(BenchShape.TINY.model(8), Dtype.FLOAT32, 2);
        PointerScope scope = new PointerScope();
        SequenceRun run = new SequenceRun(model.decoder())) {
      int[] ids = {3, IMAGE, 4, 5};
      Tensor seen = tower.encoder().encode(BenchShape.TINY.picture(), VisionObserver.NONE);
      Tensor rows = torch.cat(new TensorVector(model.decoder().embed(3), seen, model.decoder().embed(4), model.decoder().embed(5)), 0);
      run.prompt(rows, List.of(new Segment(-1, 0, 1), new Segment(0, 1, PICTURE), new Segment(-1, 1 + PICTURE, 2)), 0, Plan.NONE, 0);
      float[] plain = SequenceRun.advance(model.decoder(), List.of(run), StepObserver.NONE)[0];
      BenchArm none = new BenchArm("none", Plan.NONE);
      none.run(model, ids, IMAGE, BenchPrefill.seen(tower.encoder(), BenchShape.TINY.picture(), model.decoder(), null), 0, false);
      assertArrayEquals(plain, none.logits());
      assertTrue(plain[0] != plain[1] && Float.isFinite(plain[0]));
    }
  }

  @Test void aBudgetOfEverythingChangesNothing() {
    BenchModelOptions options = at(PICTURE, "visionzip", "mustdrop", "tome", "pyramiddrop");
    List<BenchArm> arms = BenchPrefill.arms(options);
    BenchPrefill.run(options, arms);
    for (BenchArm arm : arms) assertArrayEquals(arms.get(0).logits(), arm.logits());
  }

  /** The tower's stage of MustDrop changes nothing on noise but what its key tokens protect. */
  @Test void keyTokensReachTheDecoder() {
    BenchModelOptions options = at(24, "mustdrop", "mustdrop key_share=0", "mustdrop merge=off");
    List<BenchArm> arms = BenchPrefill.arms(options);
    BenchResult result = BenchPrefill.run(options, arms);
    assertEquals(PICTURE, result.rows().get(1).entering());
    assertArrayEquals(arms.get(3).logits(), arms.get(2).logits());
    assertFalse(Arrays.equals(arms.get(1).logits(), arms.get(2).logits()));
  }

  @Test void onlyATowerHasAVisionColumn() {
    assertTrue(BenchPrefill.run(options(true, OptionalInt.empty())).table().contains("vision ms"));
    BenchResult alone = BenchPrefill.run(options(false, OptionalInt.empty(), "mustdrop merge=off"));
    assertFalse(alone.table().contains("vision"));
    assertTrue(Double.isNaN(alone.rows().get(0).times().vision()));
    assertEquals("mustdrop merge=off", alone.rows().get(1).label());
  }

  @Test void givesItsMemoryBack() {
    BenchPrefill.run(at(24, "mustdrop", "tome"));
    long objects = Pointer.totalCount();
    BenchPrefill.run(at(24, "mustdrop", "tome"));
    assertEquals(objects, Pointer.totalCount());
  }

  @Test void shapesAreThoseOfThePublishedModels() {
    assertEquals(576, BenchShape.LLAVA_1_5_7B.pictureTokens());
    // 576 of the whole picture, and 48 lines of 48 with a newline row each
    assertEquals(576 + 48 * 49, BenchShape.LLAVA_NEXT_7B.pictureTokens());
    assertEquals(5, BenchShape.LLAVA_NEXT_MISTRAL_7B.picture().tiles());
    assertEquals(new ModelShape(10, 24, true, 22, 24, false), ModelShape.of(BenchShape.LLAVA_1_5_7B.model(10)));
    // CLIP ViT-L/14-336 without its unused last norm, LLaVA-1.5's projector, and a newline row
    assertEquals(2 * (303_505_408L + 20_979_712 + 4096), BenchTower.bytes(BenchShape.LLAVA_1_5_7B.model(1), 0, Dtype.BFLOAT16));
  }

  @Test void saysWhatItCannotMeasure() {
    refused("add --tower", () -> BenchPrefill.run(options(false, OptionalInt.empty(), "visionzip")));
    refused("vision:0", () -> BenchPrefill.run(options(false, OptionalInt.of(24), "mustdrop")));
    refused("fastv cannot average 2", () -> BenchPrefill.run(at(2, "fastv")));
    refused("budget must be 0 or more", () -> at(-1, "fastv"));
    refused("name one", () -> at(24));
    refused("has no parameter 'rato'", () -> at(24, "fastv rato=1"));
    BenchPruning none = BenchPruning.NONE;
    refused("leave --image-tokens out", () -> new BenchModelOptions(BenchShape.TINY, 0, none, true, Dtype.FLOAT32, 1, TEXT, 9, 1, 1));
  }

  private static void refused(String reason, Executable work) {
    String message = assertThrows(InvalidInputException.class, work).getMessage();
    assertTrue(message.contains(reason), message);
  }
}
