package dev.winnow.conform;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * One golden case of a method before the decoder: the case's tensors become the facts, its parameters the method's settings, and the
 * reducer of the method's own plan decides. Lists in the case have one entry per tile where it has several, and none around it where it has
 * one.
 */
final class PatchCase {
  /** Blocks and features as in CLIP ViT-L with the features of the last but one block. */
  private static final int BLOCKS = 24;

  final JsonNode inputs;
  final JsonNode params;
  final JsonNode expected;
  final Check check;
  private final String method;
  private final Map<String, String> settings = new HashMap<>();

  PatchCase(String method, JsonNode oneCase, Check check) {
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

  JsonNode input(String name) { return field(inputs, "inputs", name); }

  JsonNode param(String name) { return field(params, "params", name); }

  JsonNode wanted(String name) { return field(expected, "expected", name); }

  private static JsonNode field(JsonNode object, String what, String name) {
    if (!object.has(name)) throw new InvalidInputException(what + " has no '" + name + "'");
    return object.get(name);
  }

  /** A tensor of the inputs with a leading dimension for tiles, which is added where the case has one tile. */
  Tensor tiles(String name, int dimensions) {
    TensorSpec spec = TensorSpec.read(input(name));
    int[] shape = spec.shape();
    if (shape.length > dimensions) throw new InvalidInputException("inputs." + name + " has more than " + dimensions + " dimensions");
    long[] wide = new long[dimensions];
    wide[0] = 1;
    for (int i = 0; i < shape.length; i++) wide[dimensions - shape.length + i] = shape[i];
    return Tensors.floats(spec.values(), Tensors.CPU, wide);
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
  JsonNode of(String name, int tile, int tiles) { return tiles == 1 ? wanted(name) : wanted(name).path(tile); }

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

  /** A matrix given as {@code {shape, first_row8, last_row8, sum, abs_sum}}. */
  void matrix(String what, Tensor rows, JsonNode wanted) {
    check.same(what + ".shape", List.of((int) rows.size(0), (int) rows.size(1)),
        List.of(wanted.get("shape").get(0).asInt(), wanted.get("shape").get(1).asInt()));
    float[] values = Tensors.toFloats(rows);
    int width = (int) rows.size(1);
    values(what + ".first_row8", values, 0, wanted.get("first_row8"));
    values(what + ".last_row8", values, values.length - width, wanted.get("last_row8"));
    double sum = 0;
    double magnitude = 0;
    for (float value : values) {
      sum += value;
      magnitude += Math.abs(value);
    }
    check.sum(what + ".sum", sum, wanted.get("sum").asDouble());
    check.sum(what + ".abs_sum", magnitude, wanted.get("abs_sum").asDouble());
  }

  void values(String what, float[] got, int from, JsonNode wanted) {
    for (int i = 0; i < wanted.size(); i++) {
      check.value(what + "[" + i + "]", from + i < got.length ? got[from + i] : Double.NaN, wanted.get(i).asDouble());
    }
  }
}
