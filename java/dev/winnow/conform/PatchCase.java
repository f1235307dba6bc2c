package dev.winnow.conform;

import dev.winnow.kernels.Tensors;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.PatchReducer;
import dev.winnow.prune.PatchScorer;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import dev.winnow.prune.VisionReducer;
import dev.winnow.prune.patches.Share;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * One golden case of a method before the decoder: the case's tensors become the facts, its parameters the method's settings, and the
 * reducer of the method's own plan decides. Lists in the case have one entry per tile where it has several, and none around it where it has
 * one.
 */
final class PatchCase {
  /** A dimension that may have any size above 0. */
  static final int ANY = -1;
  /** Most patches of a tile, or heads or tiles: what compares all patches with all others needs the square of it. */
  private static final int MOST = 1 << 14;
  /** Blocks and features as in CLIP ViT-L with the features of the last but one block. */
  private static final int BLOCKS = 24;

  final CaseNode inputs;
  final CaseNode params;
  final CaseNode expected;
  final Check check;
  private final String method;
  private final Map<String, String> settings = new HashMap<>();

  PatchCase(String method, CaseNode oneCase, Check check) {
    this.method = method;
    this.inputs = oneCase.get("inputs");
    this.params = oneCase.get("params");
    this.expected = oneCase.get("expected");
    this.check = check;
  }

  PatchCase set(String name, Object value) {
    settings.put(name, String.valueOf(value));
    return this;
  }

  /** The parameter {@code tokens}, which is that of a tile, for the whole picture. */
  int perTile(int tiles) {
    long tokens = (long) param("tokens").asInt() * tiles;
    if (tokens < 0 || tokens > Integer.MAX_VALUE) throw param("tokens").mustBe("from 0 to " + Integer.MAX_VALUE / tiles);
    return (int) tokens;
  }

  /** Settings of the method that a case may have beside those of its kind. */
  PatchCase options(String... names) {
    for (String name : names) if (params.has(name)) set(name, params.get(name).asText());
    return this;
  }

  CaseNode input(String name) { return inputs.get(name); }

  CaseNode param(String name) { return params.get(name); }

  CaseNode wanted(String name) { return expected.get(name); }

  /**
   * A tensor of the inputs. The leading dimension, that of tiles or segments, is added where the case has only one.
   *
   * @param sizes what every dimension must be, {@link #ANY} where it is free
   */
  Tensor tensor(String name, long... sizes) {
    TensorSpec spec = TensorSpec.read(input(name));
    int[] shape = spec.shape();
    long[] wide = new long[sizes.length];
    boolean fits = shape.length == sizes.length || shape.length == sizes.length - 1;
    for (int i = 0; fits && i < wide.length; i++) {
      int from = i - (wide.length - shape.length);
      wide[i] = from < 0 ? 1 : shape[from];
      fits = sizes[i] == ANY ? wide[i] > 0 : wide[i] == sizes[i];
      if (i < wide.length - 1 && wide[i] > MOST) throw input(name).wrong("has the shape " + Arrays.toString(shape) + ", too large to run");
    }
    if (fits) return Tensors.floats(spec.values(), Tensors.CPU, wide);
    String wanted = Arrays.stream(sizes).mapToObj(size -> size == ANY ? "any" : String.valueOf(size)).collect(Collectors.joining(", "));
    throw input(name).wrong("has the shape " + Arrays.toString(shape) + "; beside the case's other fields it must be [" + wanted
        + "], where the first may be left out if it is 1");
  }

  /** The side of a square grid of patches. */
  int side(String name, long patches) {
    int side = (int) Math.round(Math.sqrt(patches));
    if ((long) side * side != patches) throw input(name).wrong("is of " + patches + " patches, and the method needs a square grid");
    return side;
  }

  /** Distinct numbers of rows. */
  int[] rows(CaseNode list, int count) {
    int[] rows = TensorSpec.ints(list);
    for (int i = 0; i < rows.length; i++) {
      if (rows[i] < 0 || rows[i] >= count) throw list.get(i).mustBe("a row from 0 to " + (count - 1));
    }
    if (Arrays.stream(rows).distinct().count() < rows.length) throw list.wrong("lists a row twice");
    return rows;
  }

  /**
   * Whether the original code fails on the case; then all that is asked of ours is a sound result: patches of the tile, none twice, and no
   * more rows than the case allows.
   */
  boolean failsOfficially(List<Reduction> reductions, int patches, int most) {
    if (!expected.has("error")) return false;
    for (Reduction reduction : reductions) {
      int[] kept = Arrays.stream(reduction.kept()).filter(patch -> patch != Reduction.NO_PATCH).toArray();
      check.same("patches kept that are none of the tile or are there twice",
          kept.length - Arrays.stream(kept).filter(patch -> patch >= 0 && patch < patches).distinct().count(), 0L);
    }
    check.same("more rows than allowed", reductions.stream().mapToInt(reduction -> reduction.kept().length).sum() > most, false);
    return true;
  }

  /** Facts that have nothing but the number of patches. */
  static VisionFacts featureless(int tiles, int patches) {
    return new VisionFacts(Tensors.floats(new float[tiles * patches], Tensors.CPU, tiles, patches, 1));
  }

  VisionReducer reducer(int patches) {
    int side = (int) Math.round(Math.sqrt(patches));
    ModelShape shape = new ModelShape(32, BLOCKS, true, BLOCKS - 2, side, true);
    return Methods.named(method).plan(shape, settings, OptionalInt.empty(), 0).visionCuts().get(0).reducer();
  }

  List<Reduction> reduce(VisionFacts facts) { return reducer(facts.patches()).reduce(facts); }

  /** The scorer of the method's plan. */
  PatchScorer scorer(int patches) {
    VisionReducer reducer = reducer(patches);
    return reducer instanceof Share share ? share.reducer().apply(0).scorer() : ((PatchReducer) reducer).scorer();
  }

  /** What the method's plan keeps when the scores are given, float32 [tiles, patches]. */
  List<Reduction> select(VisionFacts facts, Tensor scores) {
    VisionReducer planned = reducer(facts.patches());
    PatchReducer reducer = planned instanceof Share share ? share.reducer().apply(share.tokens().applyAsInt(facts))
        : (PatchReducer) planned;
    PatchScorer given = new PatchScorer() {
      @Override public VisionNeeds needs() { return VisionNeeds.NOTHING; }

      @Override public List<Tensor> score(VisionFacts any) {
        return IntStream.range(0, any.tiles()).mapToObj(t -> scores.select(0, t).contiguous()).toList();
      }
    };
    return new PatchReducer(given, reducer.shares(), reducer.selector(), reducer.tokens()).reduce(facts);
  }

  /** Gives the class attention to every block that the method looks at. */
  VisionFacts withClassAttention(VisionFacts facts, Tensor rows) {
    for (int block : reducer(facts.patches()).needs().classRows()) facts.withClassAttention(block, rows);
    return facts;
  }

  /** {@code expected.NAME} for one tile of several. */
  CaseNode of(String name, int tile, int tiles) { return tiles == 1 ? wanted(name) : wanted(name).path(tile); }

  void kept(List<Reduction> reductions) {
    for (int t = 0; t < reductions.size(); t++) check.ints("kept[" + t + "]", reductions.get(t).kept(), of("kept", t, reductions.size()));
  }

  /** The scores of all tiles, one after the other. */
  void scores(List<Reduction> reductions) {
    List<Float> all = new ArrayList<>();
    for (Reduction reduction : reductions) for (float score : reduction.scores()) all.add(score);
    float[] values = new float[all.size()];
    for (int i = 0; i < values.length; i++) values[i] = all.get(i);
    check.vector("score", values, wanted("score"));
  }
}
