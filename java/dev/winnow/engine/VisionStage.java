package dev.winnow.engine;

import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.decoder.ImageRows;
import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.QuestionText;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.TowerMerge;
import dev.winnow.prune.VisionCapture;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.VisionFacts;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.Projector;
import dev.winnow.vision.VisionTower;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Carries out the cut before the decoder for one picture. What stays enters the language model tile after tile, in the order that the
 * reducer gave, without newline rows: these separate the lines of a map that is no longer complete. The patches of a tile that show only
 * padding are candidates like the others. A picture that keeps everything takes the plain model's way and has its newline rows.
 */
final class VisionStage {
  private final ModelConfig config;
  private final VisionTower tower;
  private final Projector projector;
  private final VisionCut cut;
  private final QuestionText question;

  VisionStage(ModelConfig config, VisionTower tower, Projector projector, VisionCut cut, QuestionText question) {
    this.config = config;
    this.tower = tower;
    this.projector = projector;
    this.cut = cut;
    this.question = question;
  }

  /**
   * @param unpruned rows of the picture without a cut
   * @param plain encodes the picture without a cut; its rows are the caller's to close
   */
  ImageEncoder.Encoded run(PixelBatch pixels, int image, int unpruned, Supplier<Tensor> plain) {
    if (cut.reducer().keepsAll(unpruned)) {
      int[] all = new int[unpruned];
      Arrays.setAll(all, i -> i);
      return new ImageEncoder.Encoded(plain.get(), new CutRecord(cut.site(), null, image, unpruned, all, List.of(), Float.NaN, null, 0),
          unpruned);
    }
    TowerMerge merge = cut.reducer().towerMerge();
    try (VisionCapture capture = new VisionCapture(cut.reducer().needs(), merge, config.vision());
        PointerScope scope = new PointerScope()) {
      Tensor all = Tensors.adopt(scope, tower.encode(pixels, capture));
      VisionConfig vision = config.vision();
      boolean spare = vision.hasClass() && vision.keepClass();
      Tensor classRows = spare ? all.narrow(1, 0, 1) : null;
      Tensor features = spare ? all.narrow(1, 1, all.size(1) - 1).contiguous() : all;
      VisionFacts facts = capture.facts(features).withGrid(pixels.grid()).withQuestion(question).withSpareRows(spare ? 1 : 0);
      Tensor source = features;
      if (cut.projected()) {
        source = Tensors.adopt(scope, projector.project(features));
        facts.withProjected(source);
        if (spare) classRows = Tensors.adopt(scope, projector.project(classRows));
      }
      long begin = System.nanoTime();
      List<Reduction> tiles = merge == null ? cut.reducer().reduce(facts) : merge.result(facts);
      long nanos = System.nanoTime() - begin;
      Tensor rows = assemble(tiles, source, classRows);
      if (cut.projected()) rows.retainReference();
      else rows = projector.project(rows);
      return new ImageEncoder.Encoded(rows, record(tiles, image, (int) rows.size(0), nanos), unpruned, keyRows(tiles, spare ? 1 : 0),
          standFor(tiles, facts.patches(), spare ? 1 : 0));
    }
  }

  private static Tensor assemble(List<Reduction> tiles, Tensor source, Tensor classRows) {
    List<Tensor> parts = new ArrayList<>();
    for (int t = 0; t < tiles.size(); t++) {
      if (classRows != null) parts.add(classRows.select(0, t));
      Reduction tile = tiles.get(t);
      if (tile.kept().length > 0) {
        parts.add(tile.rows() != null ? tile.rows() : Kernels.gatherRows(source.select(0, t).contiguous(), tile.kept()));
      }
    }
    if (parts.isEmpty()) return source.select(0, 0).narrow(0, 0, 0);
    return torch.cat(new TensorVector(parts.toArray(new Tensor[0])), 0);
  }

  /** A row of no patch stands where the row before it does; a tile begins with its class token, where that is kept. */
  private static ImageRows standFor(List<Reduction> tiles, int patches, int spare) {
    List<Integer> places = new ArrayList<>();
    List<Integer> sizes = new ArrayList<>();
    for (int t = 0; t < tiles.size(); t++) {
      int first = t * (patches + spare);
      if (spare > 0) {
        places.add(first);
        sizes.add(1);
      }
      Map<Integer, Integer> merged = new HashMap<>();
      for (CutRecord.Merged merge : tiles.get(t).merges()) merged.put(merge.into(), Math.max(1, merge.from().length));
      int place = first;
      for (int patch : tiles.get(t).kept()) {
        if (patch != Reduction.NO_PATCH) place = first + spare + patch;
        places.add(place);
        sizes.add(patch == Reduction.NO_PATCH ? 1 : merged.getOrDefault(patch, 1));
      }
    }
    return new ImageRows(places.stream().mapToInt(i -> i).toArray(), tiles.size() * (patches + spare), sizes.stream().mapToInt(i ->
        i).toArray());
  }

  /** Rows of the whole picture that later stages must not drop. */
  private static int[] keyRows(List<Reduction> tiles, int spare) {
    List<Integer> rows = new ArrayList<>();
    int first = 0;
    for (Reduction tile : tiles) {
      first += spare;
      for (int row : tile.keyRows()) rows.add(first + row);
      first += tile.kept().length;
    }
    return rows.stream().mapToInt(i -> i).toArray();
  }

  /** Patches of tile t are numbered from t times the patches of a tile. */
  private CutRecord record(List<Reduction> tiles, int image, int after, long nanos) {
    int perTile = config.vision().patches();
    List<Integer> kept = new ArrayList<>();
    List<CutRecord.Merged> merges = new ArrayList<>();
    float[] scores = tiles.get(0).scores() == null ? null : new float[tiles.size() * perTile];
    for (int t = 0; t < tiles.size(); t++) {
      int first = t * perTile;
      for (int patch : tiles.get(t).patches()) kept.add(first + patch);
      for (CutRecord.Merged merge : tiles.get(t).merges()) {
        int into = merge.into() == Reduction.NO_PATCH ? Reduction.NO_PATCH : first + merge.into();
        merges.add(new CutRecord.Merged(into, Arrays.stream(merge.from()).map(patch -> first + patch).toArray()));
      }
      if (scores != null) System.arraycopy(tiles.get(t).scores(), 0, scores, first, perTile);
    }
    int[] all = kept.stream().mapToInt(i -> i).toArray();
    boolean ranked = scores != null && tiles.size() == 1 && merges.isEmpty();
    float margin = ranked ? CutRecord.margin(scores, all) : Float.NaN;
    return new CutRecord(cut.site(), null, image, tiles.size() * perTile, after, all, merges, margin, scores, nanos);
  }
}
