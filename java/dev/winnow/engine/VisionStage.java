package dev.winnow.engine;

import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.decoder.ImageRows;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Plan;
import dev.winnow.prune.QuestionText;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.Site;
import dev.winnow.prune.TowerMerge;
import dev.winnow.prune.VisionCapture;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.Projector;
import dev.winnow.vision.VisionTower;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Carries out the cuts before the decoder for one picture, one after the other; each sees what the ones before it left. What stays in the
 * end enters the language model tile after tile, in the order that the last reducer gave, without newline rows: these separate the lines of
 * a map that is no longer complete. The patches of a tile that show only padding are candidates like the others. A picture that keeps
 * everything takes the plain model's way and has its newline rows.
 */
final class VisionStage {
  private final ModelConfig config;
  private final VisionTower tower;
  private final Projector projector;
  private final Plan plan;
  private final List<VisionCut> cuts;
  private final QuestionText question;

  private final List<CutRecord> records = new ArrayList<>();
  /** [tiles, tokens, width] as tower or projector gave them; null once a cut has chosen among them. */
  private Tensor untouched;
  private List<TileTokens> tiles;
  /** [tiles, 1, width]; null unless the checkpoint keeps the class token. */
  private Tensor classRows;
  private VisionFacts facts;

  /** @param plan with at least one cut before the decoder */
  VisionStage(ModelConfig config, VisionTower tower, Projector projector, Plan plan, QuestionText question) {
    this.config = config;
    this.tower = tower;
    this.projector = projector;
    this.plan = plan;
    this.cuts = plan.visionCuts();
    this.question = question;
  }

  /**
   * Throws InvalidInputException where a plan cannot be carried out on so many tiles, as far as their number tells.
   *
   * @param unpruned rows of the tiles without a cut
   */
  static void check(Plan plan, VisionConfig vision, int tiles, int unpruned) {
    List<VisionCut> acting = acting(plan, unpruned);
    if (acting.isEmpty()) plan.checkEntering(unpruned);
    else acting.get(0).reducer().check(tiles, vision.patches(), spareRows(vision));
  }

  /**
   * To be called once.
   *
   * @param unpruned rows of the picture without a cut
   * @param plain encodes the picture without a cut; its rows are the caller's to close
   */
  ImageEncoder.Encoded run(PixelBatch pixels, int image, int unpruned, Supplier<Tensor> plain) {
    // fewer rows than these are within its budget as well
    List<VisionCut> acting = acting(plan, unpruned);
    if (acting.isEmpty()) {
      int[] all = IntStream.range(0, unpruned).toArray();
      for (VisionCut cut : cuts) records.add(new CutRecord(cut.site(), null, image, unpruned, all, List.of(), Float.NaN, null, 0));
      return new ImageEncoder.Encoded(plain.get(), records, unpruned);
    }
    int spare = spareRows(config.vision());
    // what a later cut leaves is not known yet
    IntConsumer known = tokens -> { if (acting.size() == 1) plan.checkEntering(tokens + pixels.tiles() * spare); };
    TowerMerge merge = acting.get(0).reducer().towerMerge(spare, known);
    VisionNeeds needs = acting.stream().map(cut -> cut.reducer().needs()).reduce(VisionNeeds.NOTHING, VisionNeeds::and);
    try (VisionCapture capture = new VisionCapture(needs, merge, config.vision()); PointerScope scope = new PointerScope()) {
      begin(Tensors.adopt(scope, tower.encode(pixels, capture)), capture, pixels);
      boolean projected = false;
      int rows = unpruned;
      for (VisionCut cut : cuts) {
        if (cut.reducer().keepsAll(rows)) {
          records.add(skipped(cut, image));
          continue;
        }
        if (cut.projected()) {
          project(scope);
          projected = true;
        }
        cut(cut, merge, image, acting.indexOf(cut) == acting.size() - 1);
        rows = rows();
      }
      Tensor left = assemble();
      if (projected) left.retainReference();
      else left = projector.project(left);
      return new ImageEncoder.Encoded(left, records, unpruned, keyRows(), standFor());
    }
  }

  /** @param all [tiles, tokens, width] from the tower, fewer than it has patches where it merged */
  private void begin(Tensor all, VisionCapture capture, PixelBatch pixels) {
    VisionConfig vision = config.vision();
    boolean spare = spareRows(config.vision()) > 0;
    classRows = spare ? all.narrow(1, 0, 1) : null;
    untouched = spare ? all.narrow(1, 1, all.size(1) - 1).contiguous() : all;
    facts = capture.facts(untouched).withGrid(pixels.grid()).withQuestion(question).withSpareRows(spare ? 1 : 0);
    boolean merged = untouched.size(1) != vision.patches();
    tiles = IntStream.range(0, facts.tiles()).mapToObj(t -> TileTokens.whole(merged ? null : untouched.select(0, t), vision.patches()))
        .toList();
  }

  private static List<VisionCut> acting(Plan plan, int unpruned) {
    return plan.visionCuts().stream().filter(cut -> !cut.reducer().keepsAll(unpruned)).toList();
  }

  /** Rows of each tile that no cut before the decoder touches: its class token, where the checkpoint keeps it. */
  private static int spareRows(VisionConfig vision) { return vision.hasClass() && vision.keepClass() ? 1 : 0; }

  private void cut(VisionCut cut, TowerMerge merge, int image, boolean last) {
    boolean inTower = cut.site().kind() == Site.Kind.VISION_BLOCK;
    long begin = System.nanoTime();
    // inside the cut's time, because no other method pays for it
    VisionNeeds.Clip clip = cut.reducer().needs().clip();
    if (clip != VisionNeeds.Clip.NOTHING) facts.withClip(question.beside(facts, clip));
    List<Reduction> reductions = inTower ? merge.result(facts) : cut.reducer().reduce(facts);
    long nanos = System.nanoTime() - begin;
    List<TileTokens> before = tiles;
    tiles = IntStream.range(0, before.size()).mapToObj(t -> before.get(t).after(reductions.get(t))).toList();
    records.add(record(cut, image, before, reductions, nanos));
    if (inTower) return; // what was captured is already about the tokens that the merge left
    untouched = null;
    if (!last) facts = facts.after(reductions, tiles.stream().map(TileTokens::tokenRows).toList());
  }

  /** Rows of the picture as things stand. */
  private int rows() { return tiles.stream().mapToInt(tile -> tile.kept().length).sum() + (classRows == null ? 0 : tiles.size()); }

  private void project(PointerScope scope) {
    if (classRows != null) classRows = Tensors.adopt(scope, projector.project(classRows));
    if (untouched != null) {
      untouched = Tensors.adopt(scope, projector.project(untouched));
      facts.withProjected(untouched);
      tiles = IntStream.range(0, tiles.size()).mapToObj(t -> tiles.get(t).with(untouched.select(0, t))).toList();
      return;
    }
    Tensor all = torch.cat(new TensorVector(tiles.stream().map(TileTokens::rows).toArray(Tensor[]::new)), 0);
    all = Tensors.adopt(scope, projector.project(all));
    List<TileTokens> projected = new ArrayList<>();
    long first = 0;
    for (TileTokens tile : tiles) {
      projected.add(tile.with(all.narrow(0, first, tile.kept().length)));
      first += tile.kept().length;
    }
    tiles = projected;
    facts.withProjected(tiles.stream().map(TileTokens::tokenRows).toList());
  }

  private Tensor assemble() {
    List<Tensor> parts = new ArrayList<>();
    for (int t = 0; t < tiles.size(); t++) {
      if (classRows != null) parts.add(classRows.select(0, t));
      if (tiles.get(t).kept().length > 0) parts.add(tiles.get(t).rows());
    }
    if (parts.isEmpty()) return tiles.get(0).rows();
    return torch.cat(new TensorVector(parts.toArray(new Tensor[0])), 0);
  }

  /** A row of no patch stands where the row before it does; a tile begins with its class token, where that is kept. */
  private ImageRows standFor() {
    int spare = facts.spareRows();
    int span = config.vision().patches() + spare;
    IntStream.Builder places = IntStream.builder();
    IntStream.Builder sizes = IntStream.builder();
    for (int t = 0; t < tiles.size(); t++) {
      int place = t * span;
      if (spare > 0) {
        places.add(place);
        sizes.add(1);
      }
      TileTokens tile = tiles.get(t);
      for (int row = 0; row < tile.kept().length; row++) {
        if (tile.kept()[row] != Reduction.NO_PATCH) place = t * span + spare + tile.kept()[row];
        places.add(place);
        sizes.add(tile.size(row));
      }
    }
    return new ImageRows(places.build().toArray(), tiles.size() * span, sizes.build().toArray());
  }

  /** Rows of the whole picture that later stages must not drop. */
  private int[] keyRows() {
    IntStream.Builder rows = IntStream.builder();
    int first = 0;
    for (TileTokens tile : tiles) {
      first += facts.spareRows();
      for (int row : tile.keyRows()) rows.add(first + row);
      first += tile.kept().length;
    }
    return rows.build().toArray();
  }

  /** A cut whose budget is not below what is there. */
  private CutRecord skipped(VisionCut cut, int image) {
    return new CutRecord(cut.site(), null, image, rows(), rows(), patches(), listedBy(), List.of(), Float.NaN, null, 0);
  }

  /** Patches of tile t are numbered from t times the patches of a tile. */
  private int[] patches() {
    return IntStream.range(0, tiles.size()).flatMap(t -> Arrays.stream(tiles.get(t).patches()).map(patch -> number(t, patch))).toArray();
  }

  /** The patch of each row, in the order of the rows. */
  private int[] listedBy() {
    IntStream.Builder all = IntStream.builder();
    for (int t = 0; t < tiles.size(); t++) {
      if (classRows != null) all.add(Reduction.NO_PATCH);
      for (int patch : tiles.get(t).kept()) all.add(number(t, patch));
    }
    return all.build().toArray();
  }

  private int number(int t, int patch) { return patch == Reduction.NO_PATCH ? patch : t * config.vision().patches() + patch; }

  private CutRecord record(VisionCut cut, int image, List<TileTokens> before, List<Reduction> reductions, long nanos) {
    List<CutRecord.Merged> merges = new ArrayList<>();
    float[] scores = reductions.get(0).scores() == null ? null : new float[before.stream().mapToInt(tile -> tile.tokens().length).sum()];
    int first = 0;
    for (int t = 0; t < reductions.size(); t++) {
      int tile = t;
      for (CutRecord.Merged merge : before.get(t).merged(reductions.get(t))) {
        merges.add(new CutRecord.Merged(number(t, merge.into()), Arrays.stream(merge.from()).map(patch -> number(tile, patch)).toArray()));
      }
      if (scores == null) continue;
      float[] own = before.get(t).byPatch(reductions.get(t).scores());
      System.arraycopy(own, 0, scores, first, own.length);
      first += own.length;
    }
    boolean ranked = scores != null && reductions.size() == 1 && merges.isEmpty();
    float margin = ranked ? CutRecord.margin(reductions.get(0).scores(), reductions.get(0).patches()) : Float.NaN;
    int there = records.isEmpty() ? before.size() * config.vision().patches() : records.get(records.size() - 1).after();
    return new CutRecord(cut.site(), null, image, there, rows(), patches(), listedBy(), merges, margin, scores, nanos);
  }
}
