package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.InvalidInputException;
import dev.winnow.conform.GoldenModel;
import dev.winnow.conform.TensorSpec;
import dev.winnow.decoder.AttentionBias;
import dev.winnow.decoder.AttentionBias.Distance;
import dev.winnow.decoder.AttentionBias.Sizes;
import dev.winnow.decoder.ImageRows;
import dev.winnow.decoder.LayerPruner;
import dev.winnow.decoder.PositionPolicy;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.Sequence;
import dev.winnow.decoder.StepObserver;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Plan;
import dev.winnow.prune.VisionCut;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Original positions and the attention bias, on a small decoder whose prompt is 3 rows of text, 5 rows of an image of 12 tokens, 4 of
 * text.
 */
class AttentionBiasTest {
  private static final String MODEL = "{\"arch\":\"llama\",\"hidden\":64,\"heads\":4,\"kv_heads\":2,\"layers\":%d,\"ffn\":96,\"vocab\":97,"
      + "\"rms_eps\":1e-6,\"rope_theta\":10000.0,\"weights\":{\"id_offset\":0,\"scale\":1.0,\"embed_scale\":2.0,\"head_scale\":1.0}}";
  private static final int[] TOKENS = {5, 17, 3};
  private static final ImageRows ROWS = new ImageRows(new int[] {1, 4, 5, 8, 10}, 12, new int[] {1, 6, 1, 3, 1});
  private static final ImageRows SINGLE = new ImageRows(ROWS.places(), 12, new int[] {1, 1, 1, 1, 1});
  private static GoldenModel model;

  @BeforeAll static void open() throws Exception { model = model(4); }

  @AfterAll static void close() { model.close(); }

  private static GoldenModel model(int layers) throws Exception {
    return new GoldenModel(new ObjectMapper().readTree(MODEL.formatted(layers)));
  }

  private static Plan plan(PositionPolicy positions, Sizes sizes, Distance distance) {
    VisionCut cut = Methods.named("divprune").plan(new ModelShape(4, 24, true, 22, 4, false), Map.of(), OptionalInt.empty(), 0)
        .visionCuts().get(0);
    return new Plan("test", Map.of(), List.of(cut), List.of(), List.of(), positions, new AttentionBias(sizes, distance), true);
  }

  /** @param inputs which of the prepared rows the prompt is made of; the image begins at row 3 */
  private static SequenceRun begin(GoldenModel model, Plan plan, ImageRows rows, int... inputs) {
    SequenceRun run = new SequenceRun(model.decoder());
    float[] values = new float[inputs.length * 64];
    for (int i = 0; i < values.length; i++) values[i] = TensorSpec.hash32(9000, inputs[i / 64] * 64L + i % 64, 2);
    int image = rows.places().length;
    try (PointerScope scope = new PointerScope()) {
      run.prompt(Tensors.floats(values, Tensors.CPU, inputs.length, 64),
          List.of(new Segment(-1, 0, 3), new Segment(0, 3, image), new Segment(-1, 3 + image, inputs.length - 3 - image)), 0, plan, 8);
    }
    run.imageRows(0, rows);
    return run;
  }

  private static SequenceRun begin(Plan plan, ImageRows rows) { return begin(model, plan, rows, IntStream.range(0, 12).toArray()); }

  private static float[] advance(SequenceRun run) { return SequenceRun.advance(run.decoder(), List.of(run), StepObserver.NONE)[0]; }

  /** Logits of the prompt and of three given tokens. */
  private static float[][] answer(Plan plan, ImageRows rows) {
    try (SequenceRun run = begin(plan, rows)) {
      float[][] logits = new float[1 + TOKENS.length][];
      logits[0] = advance(run);
      for (int i = 0; i < TOKENS.length; i++) {
        run.token(TOKENS[i]);
        logits[i + 1] = advance(run);
      }
      return logits;
    }
  }

  private static double distance(float[] a, float[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> Math.abs(a[i] - b[i])).max().orElse(0);
  }

  @Test void offChangesNoBit() {
    float[][] plain = answer(Plan.NONE, SINGLE.contiguous());
    float[][] off = answer(plan(PositionPolicy.KEEP, Sizes.NONE, Distance.NONE), ROWS);
    for (int i = 0; i < plain.length; i++) assertArrayEquals(plain[i], off[i], 0f);
  }

  @Test void aBiasOfZeroChangesNothing() {
    float[][] plain = answer(Plan.NONE, SINGLE.contiguous());
    float[][] zero = answer(plan(PositionPolicy.KEEP, Sizes.ALL, Distance.NONE), SINGLE);
    for (int i = 0; i < plain.length; i++) assertArrayEquals(plain[i], zero[i], 1e-4f);
  }

  @Test void everyTermCounts() {
    List<float[]> answers = List.of(answer(Plan.NONE, SINGLE.contiguous())[0],
        answer(plan(PositionPolicy.ORIGINAL, Sizes.NONE, Distance.NONE), ROWS)[0],
        answer(plan(PositionPolicy.ORIGINAL, Sizes.EVEN_FIRST, Distance.NONE), ROWS)[0],
        answer(plan(PositionPolicy.ORIGINAL, Sizes.ALL, Distance.NONE), ROWS)[0],
        answer(plan(PositionPolicy.ORIGINAL, Sizes.NONE, Distance.PROMPT), ROWS)[0]);
    for (float[] a : answers) for (float[] b : answers) assertTrue(a == b || distance(a, b) > 1e-3);
  }

  /** In one layer a key that stands for two tokens weighs as much as two equal keys at its position. */
  @Test void aSizeWeighsAsMuchAsEqualRows() throws Exception {
    try (GoldenModel single = model(1);
        SequenceRun twice = begin(single, plan(PositionPolicy.ORIGINAL, Sizes.NONE, Distance.ALWAYS),
            new ImageRows(new int[] {2, 6, 6}, 9, new int[] {1, 1, 1}), 0, 1, 2, 3, 4, 4, 5, 6);
        SequenceRun sized = begin(single, plan(PositionPolicy.ORIGINAL, Sizes.ALL, Distance.ALWAYS),
            new ImageRows(new int[] {2, 6}, 9, new int[] {1, 2}), 0, 1, 2, 3, 4, 5, 6)) {
      for (int step = 0; step < 2; step++) {
        assertArrayEquals(advance(twice), advance(sized), 1e-4f);
        twice.token(7);
        sized.token(7);
      }
    }
  }

  /** Reading tokens and generating them agree where both have the same terms. */
  @ParameterizedTest
  @CsvSource({"ALL,NONE", "EVEN_FIRST,NONE", "EVEN_FIRST,ALWAYS", "NONE,ALWAYS"})
  void theCacheGivesWhatReadingGives(Sizes sizes, Distance distance) {
    Plan plan = plan(PositionPolicy.ORIGINAL, sizes, distance);
    float[][] generated = answer(plan, ROWS);
    for (int read = 1; read <= TOKENS.length; read++) {
      try (SequenceRun run = begin(plan, ROWS)) {
        for (int i = 0; i < read; i++) run.token(TOKENS[i]);
        assertArrayEquals(generated[read], advance(run), 1e-4f);
      }
    }
  }

  /** The published way has no distance term for generated tokens. */
  @Test void aPromptOnlyDistanceEndsWithThePrompt() {
    float[][] prompt = answer(plan(PositionPolicy.ORIGINAL, Sizes.NONE, Distance.PROMPT), ROWS);
    float[][] always = answer(plan(PositionPolicy.ORIGINAL, Sizes.NONE, Distance.ALWAYS), ROWS);
    assertArrayEquals(prompt[0], always[0], 0f);
    assertTrue(distance(prompt[1], always[1]) > 1e-3);
  }

  @Test void rowsStandWhereTheirPatchesStood() {
    try (SequenceRun run = begin(plan(PositionPolicy.ORIGINAL, Sizes.NONE, Distance.NONE), ROWS)) {
      advance(run);
      run.token(5);
      advance(run);
      assertArrayEquals(new int[] {0, 1, 2, 4, 7, 8, 11, 13, 15, 16, 17, 18, 19}, run.sequence().cache().positions(3));
    }
  }

  @Test void togetherAsAlone() {
    List<Plan> plans = List.of(plan(PositionPolicy.ORIGINAL, Sizes.EVEN_FIRST, Distance.PROMPT), Plan.NONE,
        plan(PositionPolicy.KEEP, Sizes.ALL, Distance.ALWAYS), plan(PositionPolicy.ORIGINAL, Sizes.NONE, Distance.NONE));
    List<ImageRows> rows = List.of(ROWS, SINGLE.contiguous(), new ImageRows(new int[] {0, 2}, 9, new int[] {4, 2}), ROWS);
    List<SequenceRun> together = IntStream.range(0, 4).mapToObj(i -> begin(plans.get(i), rows.get(i))).toList();
    for (int step = 0; step <= TOKENS.length; step++) {
      float[][] logits = SequenceRun.advance(model.decoder(), together, StepObserver.NONE);
      for (int i = 0; i < logits.length; i++) assertArrayEquals(answer(plans.get(i), rows.get(i))[step], logits[i], 1e-4f);
      if (step < TOKENS.length) for (SequenceRun run : together) run.token(TOKENS[step]);
    }
    together.forEach(SequenceRun::close);
  }

  /** A step that failed leaves no image behind, and positions that moved cannot be counted anew. */
  @Test void rollbackForgetsAndRenumberingIsRefused() {
    try (SequenceRun run = begin(plan(PositionPolicy.ORIGINAL, Sizes.ALL, Distance.PROMPT), ROWS)) {
      advance(run);
      assertEquals(19, run.sequence().position(12));
      assertThrows(InvalidInputException.class, () -> run.sequence().prune(LayerPruner.NONE, PositionPolicy.RENUMBER));
      run.rollback(new SequenceRun.Mark(new Sequence.Mark(0, 0, 0, new int[4], new int[4]), 0, 0));
      assertEquals(12, run.sequence().position(12));
    }
  }

  @Test void aPlanWithoutAPictureCutHasNothingToRepair() {
    assertThrows(InvalidInputException.class, () -> new Plan("p", Map.of(), null, List.of(), List.of(), PositionPolicy.ORIGINAL, true));
  }

  /** Through the whole engine: what the method says of the small checkpoint's 16 patches. */
  @Test void restoreKeepsThePositionsOfThePicture() {
    try (Model checkpoint = Model.open(Asked.MODEL); Session session = checkpoint.newSession()) {
      Answer repaired = session.ask(Asked.base().method("restore_anchors").budget(6));
      assertEquals(6, repaired.report().segments().get(1).length());
      assertEquals(PositionPolicy.ORIGINAL, repaired.report().plan().positions());
      Answer merged = Asked.ask(checkpoint, Asked.base().method("restore_anchors").budget(6).set("positions", "contiguous")
          .set("sizes", "none").set("distance", "none"));
      assertArrayEquals(merged.report().cuts().get(0).kept(), repaired.report().cuts().get(0).kept());
      assertTrue(distance(merged.report().firstLogits(), repaired.report().firstLogits()) > 1e-5);
      assertEquals(repaired.ids().length, session.ask(Question.of("USER: And? ASSISTANT:").raw().maxTokens(
          repaired.ids().length).method("restore_anchors")).ids().length);
    }
  }
}
