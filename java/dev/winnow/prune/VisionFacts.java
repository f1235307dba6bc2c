package dev.winnow.prune;

import dev.winnow.WinnowException;
import dev.winnow.vision.TileGrid;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What a reducer may look at: the tokens of one picture that are left, tile by tile, on the model's device. They are all its patches where
 * no cut came before. What the reducer did not ask for is not there. Tensors belong to the engine; the reducer changes none of them.
 */
public final class VisionFacts {
  private final PerTile features;
  private final Map<Integer, PerTile> classRows = new HashMap<>();
  private final Map<Integer, PerTile> queries = new HashMap<>();
  private final Map<Integer, PerTile> keys = new HashMap<>();
  private final Map<Integer, PerTile> received = new HashMap<>();
  private Tensor classState;
  private ClipFacts clip;
  private PerTile projected;
  private TileGrid grid;
  private QuestionText question = QuestionText.NONE;
  private int spareRows;
  /** Rows of the whole picture that stand for no patch and that an earlier cut lets enter. */
  private int passingRows;
  /** Per tile and token the patch that it is listed by; null where every patch is there. */
  private int[][] patchNumbers;

  /** @param features [tiles, patches, width], what the projector gets, without a class token */
  public VisionFacts(Tensor features) { this(PerTile.of(features)); }

  private VisionFacts(PerTile features) { this.features = features; }

  public int tiles() { return features.count(); }

  /** Tokens of one tile: its patches, or what earlier cuts left of them. */
  public int patches(int tile) { return Math.toIntExact(features.tile(tile).size(0)); }

  /** Tokens of every tile, for reducers that look at all tiles at once: behind a cut that chose among them tiles may differ. */
  public int patches() { return Math.toIntExact(features.together().size(1)); }

  /** Patches that may stay where so many rows of the picture may enter: those that enter in any case count. */
  public int room(int rows) { return Math.max(0, rows - tiles() * spareRows - passingRows); }

  /** The patch of the tile that each of its tokens is listed by, in the order of the tokens. */
  public int[] patchNumbers(int tile) {
    return patchNumbers == null ? IntStream.range(0, patches(tile)).toArray() : patchNumbers[tile];
  }

  /** [patches, width] of a tile, in the tower's dtype. */
  public Tensor features(int tile) { return features.tile(tile); }

  /** The same in float32, in which all selection is done. */
  public Tensor features32(int tile) { return features(tile).to(ScalarType.Float); }

  /** [patches, hidden of the language model] of a tile, in the model's dtype; only at the site {@code projected}. */
  public Tensor projected(int tile) { return given(projected, "projected rows").tile(tile); }

  /** The same in float32. */
  public Tensor projected32(int tile) { return projected(tile).to(ScalarType.Float); }

  /** Attention of the class token over a tile's patches (softmax over all tokens of the tower in that block), float32 [heads, patches]. */
  public Tensor classAttention(int block, int tile) {
    return given(classRows.get(block), "class attention of block " + block).tile(tile);
  }

  /** Queries of a block, not scaled, [tiles, heads, tokens, head width], the class token first where there is one. */
  public Tensor queries(int block) { return queriesOf(block).together(); }

  /** The same of one tile, [heads, tokens, head width]. */
  public Tensor queries(int block, int tile) { return queriesOf(block).tile(tile); }

  /** Keys of a block, as {@link #queries(int)}. */
  public Tensor keys(int block) { return keysOf(block).together(); }

  /** The same of one tile. */
  public Tensor keys(int block, int tile) { return keysOf(block).tile(tile); }

  private PerTile queriesOf(int block) { return given(queries.get(block), "queries of block " + block); }

  private PerTile keysOf(int block) { return given(keys.get(block), "keys of block " + block); }

  /** Attention that each patch of a tile receives, mean over all queries (the class token too) and heads, float32 [patches]. */
  public Tensor attentionReceived(int block, int tile) {
    return given(received.get(block), "attention received in block " + block).tile(tile);
  }

  /** Picture and question in CLIP's common space. */
  public ClipFacts clip() { return given(clip, "CLIP's common space"); }

  /** The class token's features, [tiles, 1, width]. */
  public Tensor classState() { return given(classState, "the class token's state"); }

  /** How the picture was cut into tiles 1 and following; null where it was not. */
  public TileGrid grid() { return grid; }

  /** What is asked about the picture. */
  public QuestionText question() { return question; }

  /** Rows per tile that enter the language model whatever is decided: the class token where the checkpoint keeps it. */
  public int spareRows() { return spareRows; }

  /**
   * The facts behind a cut at the site {@code vision}: the one place where what is known of tokens follows them. A row is known by the
   * patch that it is listed by; what stands for no patch is no candidate again.
   *
   * @param cut one reduction per tile, in terms of these facts' tokens
   * @param rows per tile the features of the tokens that it leaves, [tokens, width]
   */
  public VisionFacts after(List<Reduction> cut, List<Tensor> rows) {
    int[][] left = new int[tiles()][];
    int[][] numbers = new int[tiles()][];
    int passing = passingRows;
    for (int t = 0; t < left.length; t++) {
      Reduction tile = cut.get(t);
      int[] before = patchNumbers(t);
      left[t] = Arrays.stream(tile.kept()).filter(token -> token != Reduction.NO_PATCH).toArray();
      numbers[t] = Arrays.stream(left[t]).map(token -> before[token]).toArray();
      passing += tile.kept().length - left[t].length;
    }
    VisionFacts next = new VisionFacts(PerTile.of(rows)).withQuestion(question).withGrid(grid).withSpareRows(spareRows);
    classRows.forEach((block, known) -> next.classRows.put(block, known.keep(1, 0, left)));
    received.forEach((block, known) -> next.received.put(block, known.keep(0, 0, left)));
    queries.forEach((block, known) -> next.queries.put(block, known.keep(1, others(known), left)));
    keys.forEach((block, known) -> next.keys.put(block, known.keep(1, others(known), left)));
    next.classState = classState;
    next.passingRows = passing;
    next.patchNumbers = numbers;
    return next;
  }

  private int others(PerTile tokens) { return Math.toIntExact(tokens.tile(0).size(1)) - patches(0); }

  /** @param rows [tiles, heads, patches] */
  public VisionFacts withClassAttention(int block, Tensor rows) {
    classRows.put(block, PerTile.of(rows));
    return this;
  }

  /** Both [tiles, heads, tokens, head width]. */
  public VisionFacts withProjections(int block, Tensor query, Tensor key) {
    queries.put(block, PerTile.of(query));
    keys.put(block, PerTile.of(key));
    return this;
  }

  /** @param mean [tiles, patches] */
  public VisionFacts withAttentionReceived(int block, Tensor mean) {
    received.put(block, PerTile.of(mean));
    return this;
  }

  public VisionFacts withClip(ClipFacts facts) {
    clip = facts;
    return this;
  }

  public VisionFacts withClassState(Tensor state) {
    classState = state;
    return this;
  }

  /** @param rows [tiles, patches, hidden of the language model] */
  public VisionFacts withProjected(Tensor rows) {
    projected = PerTile.of(rows);
    return this;
  }

  /** @param tiles each [patches, hidden of the language model] */
  public VisionFacts withProjected(List<Tensor> tiles) {
    projected = PerTile.of(tiles);
    return this;
  }

  public VisionFacts withGrid(TileGrid tiles) {
    grid = tiles;
    return this;
  }

  public VisionFacts withQuestion(QuestionText text) {
    question = text;
    return this;
  }

  public VisionFacts withSpareRows(int perTile) {
    spareRows = perTile;
    return this;
  }

  /** @param numbers per tile and token the patch that it is listed by, where a merge inside the tower left fewer tokens than patches */
  VisionFacts withPatchNumbers(int[][] numbers) {
    patchNumbers = numbers;
    return this;
  }

  private static <T> T given(T known, String what) {
    if (known == null) throw new WinnowException("a reducer looks at " + what + " without having asked for it in needs()");
    return known;
  }
}
