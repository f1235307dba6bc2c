package dev.winnow.engine;

import static dev.winnow.engine.Chain.plan;
import static dev.winnow.engine.Chain.set;
import static dev.winnow.engine.Chain.tokens;
import static dev.winnow.engine.Chain.with;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import dev.winnow.decoder.AttentionBias;
import dev.winnow.decoder.PositionPolicy;
import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.PatchScorers;
import dev.winnow.prune.PatchSelectors;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlanReader;
import dev.winnow.prune.PlannedRows;
import dev.winnow.prune.QuestionText;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.Site;
import dev.winnow.prune.TowerMerge;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.VisionFacts;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.VisionObserver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Several cuts before the decoder in one plan. The checkpoint has 16 patches. */
class VisionChainTest {
  private static Model model;

  @BeforeAll static void open() {
    model = Model.open(Asked.MODEL);
  }

  @AfterAll static void close() {
    model.close();
  }

  private static ImageEncoder.Encoded encoded(PlanReader plan) {
    return encoded(plan.plan(model.shape()));
  }

  private static ImageEncoder.Encoded encoded(Plan plan) { return model.images().encode(picture(), plan, 0, QuestionText.NONE); }

  private static PixelBatch picture() { return model.images().prepare(Asked.drawn(90, 60), false); }

  private static float[] values(Tensor tensor) {
    try (PointerScope scope = new PointerScope()) {
      return Tensors.toFloats(tensor);
    }
  }

  /** Projection is row by row, so the rows left are those of the whole picture. */
  @Test void aSelectionBehindASelectionIsWhatTheReducersGiveByHand() {
    ImageEncoder.Encoded chained = encoded(plan(tokens("vision fastervlm", 10), tokens("projected divprune", 5)));
    try (PointerScope scope = new PointerScope()) {
      ImageEncoder.Encoded first = encoded(plan(tokens("vision fastervlm", 10)));
      int[] kept = first.cuts().get(0).kept();
      Tensor rows = Tensors.adopt(scope, model.images().encode(picture(), VisionObserver.NONE));
      Tensor left = Kernels.gatherRows(rows.contiguous(), kept).unsqueeze(0);
      Reduction second = plan(tokens("projected divprune", 5)).plan(model.shape()).visionCuts().get(0).reducer()
          .reduce(new VisionFacts(left).withProjected(left)).get(0);
      int[] expected = Arrays.stream(second.kept()).map(token -> kept[token]).toArray();
      assertArrayEquals(kept, chained.cuts().get(0).kept());
      assertArrayEquals(expected, chained.cuts().get(1).kept());
      assertEquals(5, expected.length);
      assertArrayEquals(values(Kernels.gatherRows(rows.contiguous(), expected)), values(chained.rows()), 1e-5f);
      first.rows().close();
    }
    chained.rows().close();
    assertEquals(List.of(16, 10), chained.cuts().stream().map(CutRecord::before).toList());
    assertEquals(List.of(10, 5), chained.cuts().stream().map(CutRecord::after).toList());
    assertArrayEquals(chained.cuts().get(1).kept(), chained.standFor().places());
  }

  /** Follows a merge through the tower and computes the class token's attention in the feature block, sizes counted. */
  private static final class Followed implements VisionObserver {
    private static final int BLOCK = 1;
    private final TowerMerge merge;
    private int[] tokens;
    private float[] attention;
    private float[] received;

    Followed(TowerMerge merge) { this.merge = merge; }

    @Override public Tensor afterEmbedding(Tensor hidden) { return merge.afterEmbedding(hidden); }

    @Override public void projections(int block, Tensor query, Tensor key, Tensor value) {
      merge.projections(block, query, key, value);
      if (block != BLOCK) return;
      tokens = merge.patchNumbers()[0];
      try (PointerScope scope = new PointerScope()) {
        Tensor logits = torch.matmul(query, key.transpose(2, 3)).mul(new Scalar(1 / Math.sqrt(key.size(3))));
        Tensor map = torch.softmax(logits.add(merge.attentionBias(block)), -1).to(ScalarType.Float);
        attention = Tensors.toFloats(torch.mean(map.select(0, 0).select(1, 0), 0).narrow(0, 1, tokens.length));
        received = Tensors.toFloats(torch.mean(map.select(0, 0), 0, 1).narrow(0, 1, tokens.length));
      }
    }

    @Override public Tensor attentionBias(int block) { return merge.attentionBias(block); }

    @Override public Tensor afterAttention(int block, Tensor hidden) { return merge.afterAttention(block, hidden); }
  }

  @Test void aSelectionBehindAMergeRanksTokensByTheAttentionThatTheTowerPaidThem() {
    VisionCut merging = plan(tokens("vision:0 tome", 8)).plan(model.shape()).visionCuts().get(0);
    VisionCut byReceived = new VisionCut(Site.VISION, new PatchReducer(PatchScorers.attentionReceived(Followed.BLOCK),
        PatchSelectors.top(), 3));
    ImageEncoder.Encoded classRanked = encoded(plan(tokens("vision:0 tome", 8), tokens("vision fastervlm", 3)));
    ImageEncoder.Encoded receivedRanked = encoded(new Plan("two", Map.of(), List.of(merging, byReceived), List.of(), List.of(),
        PositionPolicy.KEEP, AttentionBias.NONE, true));
    try (TowerMerge merge = merging.reducer().towerMerge(0, count -> { }); PointerScope scope = new PointerScope()) {
      Followed followed = new Followed(merge);
      Tensors.adopt(scope, model.images().features(picture(), followed));
      int[] left = merge.patchNumbers()[0];
      assertTrue(followed.tokens.length > left.length, "the block that is looked at merges behind its attention");
      assertRanked(left, followed.tokens, followed.attention, classRanked.cuts().get(1));
      assertRanked(left, followed.tokens, followed.received, receivedRanked.cuts().get(1));
    }
    classRanked.rows().close();
    receivedRanked.rows().close();
  }

  /**
   * @param left patches that tokens are listed by in the end
   * @param then the same in the block that was looked at
   * @param scores of those
   */
  private static void assertRanked(int[] left, int[] then, float[] scores, CutRecord cut) {
    int[] ordered = Arrays.stream(left).sorted().toArray();
    float[] expected = new float[ordered.length];
    for (int i = 0; i < expected.length; i++) {
      int patch = ordered[i];
      expected[i] = scores[IntStream.range(0, then.length).filter(j -> then[j] == patch).findFirst().orElseThrow()];
    }
    assertArrayEquals(expected, cut.scores(), 1e-6f);
    int[] best = Kernels.top(Tensors.floats(expected, Tensors.CPU, expected.length), 3);
    assertArrayEquals(Arrays.stream(best).map(i -> ordered[i]).toArray(), cut.kept());
  }

  /** Scores of a second cut are of the patches that were there, by what the tower had captured of them. */
  @Test void whatTheTowerCapturedFollowsTheTokens() {
    for (String selector : List.of("fastervlm", "vispruner")) {
      Answer answer = Asked.ask(model, Asked.base().plan(plan(tokens("vision fastervlm", 10), tokens("projected restore_anchors", 6)
          + ",\"selector\":\"" + selector + "\"")));
      CutRecord first = answer.report().cuts().get(0);
      float[] expected = new float[10];
      for (int i = 0; i < expected.length; i++) expected[i] = first.scores()[first.kept()[i]];
      assertArrayEquals(expected, answer.report().cuts().get(1).scores(), 0f);
    }
  }

  /** VisionZip's class token stands for no patch: it is no candidate again, enters, and counts. */
  @Test void aRowOfNoPatchGoesOn() {
    ImageEncoder.Encoded zipped = encoded(plan(tokens("vision visionzip", 8)));
    ImageEncoder.Encoded chained = encoded(plan(tokens("vision visionzip", 8), tokens("projected divprune", 4)));
    CutRecord last = chained.cuts().get(1);
    assertEquals(8, last.before());
    assertEquals(4, last.after());
    assertEquals(3, last.kept().length);
    float[] before = values(zipped.rows());
    float[] after = values(chained.rows());
    int width = after.length / 4;
    assertArrayEquals(Arrays.copyOf(before, width), Arrays.copyOf(after, width), 1e-5f);
    zipped.rows().close();
    chained.rows().close();
  }

  @Test void allThreeAndCutsInTheDecoderBehindThem() {
    String json = "{\"format\":\"winnow.plan/1\",\"positions\":\"renumber\",\"cuts\":["
        + "{\"site\":\"vision:0\",\"reducer\":{\"name\":\"tome\",\"tokens\":12}},"
        + "{\"site\":\"vision\",\"reducer\":{\"name\":\"vispruner\",\"tokens\":9}},"
        + "{\"site\":\"projected\",\"reducer\":{\"name\":\"divprune\",\"tokens\":6}},"
        + "{\"site\":\"layer:1\",\"scorer\":{\"name\":\"last-row-attention\"},\"selector\":{\"name\":\"top\",\"tokens\":4}},"
        + "{\"site\":\"decode\",\"every\":2,\"scorer\":{\"name\":\"paid-attention\"},\"selector\":{\"name\":\"top\",\"tokens\":2}}]}";
    PlanReader file = PlanReader.parse(json, "p");
    Answer answer = Asked.ask(model, Asked.base().plan(file));
    List<CutRecord> cuts = answer.report().cuts();
    assertEquals(List.of("vision:0", "vision", "projected", "layer:1", "decode"),
        cuts.stream().limit(5).map(cut -> cut.site().toString()).toList());
    assertEquals(List.of(16, 12, 9, 6), cuts.stream().limit(4).map(CutRecord::before).toList());
    assertEquals(List.of(12, 9, 6, 4), cuts.stream().limit(4).map(CutRecord::after).toList());
    for (int i = 1; i < 3; i++) assertTrue(set(cuts.get(i - 1).kept()).containsAll(set(cuts.get(i).kept())));
    assertEquals(6, answer.report().segments().get(1).length());
    assertEquals(6, PlannedRows.of(file.plan(model.shape()), 3, 16)[0]);
    assertEquals(4, PlannedRows.of(file.plan(model.shape()), 3, 16)[1]);
    assertEquals(14 + 4, answer.report().kv().lengthsAfterPrompt()[1]);
    String trace = TraceJson.write(model, answer, true, false);
    assertTrue(trace.contains("\"site\":\"projected\",\"image\":0,\"before\":9,\"after\":6"), trace);
    for (CutRecord cut : cuts.subList(0, 3)) assertTrue(cut.scores() == null || cut.scores().length == cut.before());
  }

  /** ToMe's tokens and RESTORE's anchors account for every patch of the picture. */
  @Test void sizesAndPlacesAreToldInPatchesThroughBothMerges() {
    ImageEncoder.Encoded chained = encoded(plan(tokens("vision:0 tome", 11), tokens("projected restore_anchors", 5)
        + ",\"selector\":\"divprune\""));
    assertEquals(16, Arrays.stream(chained.standFor().sizes()).sum());
    assertEquals(16, chained.standFor().span());
    int[] places = chained.standFor().places();
    assertArrayEquals(Arrays.stream(places).sorted().distinct().toArray(), places);
    List<Integer> all = new ArrayList<>();
    Set<Integer> merged = new HashSet<>();
    for (CutRecord.Merged merge : chained.cuts().get(1).merged()) {
      merged.add(merge.into());
      all.addAll(Arrays.stream(merge.from()).boxed().toList());
    }
    assertEquals(all.size(), new HashSet<>(all).size());
    for (int row = 0; row < places.length; row++) {
      if (merged.contains(places[row])) continue;
      int place = places[row];
      int[] own = chained.cuts().get(0).merged().stream().filter(merge -> merge.into() == place).findFirst().map(CutRecord.Merged::from)
          .orElse(new int[] {place});
      assertEquals(own.length, chained.standFor().sizes()[row]);
    }
    chained.rows().close();
    assertFalse(merged.isEmpty());
    String original = "\"positions\":\"original\",\"attention_bias\":{\"sizes\":\"all\",\"distance\":\"prompt\"},";
    String[] cuts = {tokens("vision:0 tome", 11), tokens("vision fastervlm", 5)};
    Answer repaired = Asked.ask(model, Asked.base().plan(with(original, cuts)));
    Answer contiguous = Asked.ask(model, Asked.base().plan(plan(cuts)));
    assertEquals(14 + 5, repaired.report().length());
    assertFalse(Arrays.equals(repaired.report().firstLogits(), contiguous.report().firstLogits()));
  }

  /** Key tokens bind the decoder; those that a second cut leaves stay key tokens. */
  @Test void keyTokensThatAreLeftStayKeyTokens() {
    String merge = "vision:0 mustdrop \"merge\":0.95,\"window\":2,\"key_share\":0.4";
    ImageEncoder.Encoded first = encoded(plan(merge));
    ImageEncoder.Encoded chained = encoded(plan(merge, tokens("projected divprune", 6)));
    Set<Integer> keys = set(Arrays.stream(first.keyRows()).map(row -> first.standFor().places()[row]).toArray());
    Set<Integer> left = set(Arrays.stream(chained.keyRows()).map(row -> chained.standFor().places()[row]).toArray());
    keys.retainAll(set(chained.standFor().places()));
    assertEquals(keys, left);
    assertFalse(keys.isEmpty());
    first.rows().close();
    chained.rows().close();
  }

  @Test void aPlanMadeInJavaIsCheckedLikeAFile() {
    Plan file = plan(tokens("vision fastervlm", 8), tokens("projected divprune", 4)).plan(model.shape());
    assertEquals(2, file.visionCuts().size());
    assertThrows(InvalidInputException.class, () -> new Plan("p", file.parameters(),
        List.of(file.visionCuts().get(1), file.visionCuts().get(0)), List.of(), List.of(), file.positions(), file.bias(), true));
  }
}
