package dev.winnow.prune;

import dev.winnow.WinnowException;
import dev.winnow.vision.TileGrid;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What a reducer may look at: one picture, all tiles, on the model's device. What it did not ask for is not there. Tensors belong to the
 * engine; the reducer changes none of them.
 */
public final class VisionFacts {
  private final Tensor features;
  private final Map<Integer, Tensor> classRows = new HashMap<>();
  private final Map<Integer, Tensor> queries = new HashMap<>();
  private final Map<Integer, Tensor> keys = new HashMap<>();
  private final Map<Integer, Tensor> received = new HashMap<>();
  private Tensor classState;
  private ClipFacts clip;
  private Tensor projected;
  private TileGrid grid;
  private QuestionText question = QuestionText.NONE;
  private int spareRows;

  /** @param features [tiles, patches, width], what the projector gets, without a class token */
  public VisionFacts(Tensor features) { this.features = features; }

  public int tiles() { return Math.toIntExact(features.size(0)); }

  /** Patches of one tile; fewer than the tower has where a merge inside it came before. */
  public int patches() { return Math.toIntExact(features.size(1)); }

  /** [tiles, patches, width] in the tower's dtype. */
  public Tensor features() { return features; }

  /** The same in float32, in which all selection is done. */
  public Tensor features32() { return features.to(ScalarType.Float); }

  /** [tiles, patches, hidden of the language model] in the model's dtype; only at the site {@code projected}. */
  public Tensor projected() { return given(projected, "projected rows"); }

  /** The same in float32. */
  public Tensor projected32() { return projected().to(ScalarType.Float); }

  /** Attention of the class token over the patches (softmax over class token and patches), float32 [tiles, heads, patches]. */
  public Tensor classAttention(int block) { return given(classRows.get(block), "class attention of block " + block); }

  /** Queries of a block, not scaled, [tiles, heads, tokens, head width], the class token first where there is one. */
  public Tensor queries(int block) { return given(queries.get(block), "queries of block " + block); }

  /** Keys of a block, as {@link #queries}. */
  public Tensor keys(int block) { return given(keys.get(block), "keys of block " + block); }

  /** Attention that each patch receives in a block, mean over all queries (the class token too) and heads, float32 [tiles, patches]. */
  public Tensor attentionReceived(int block) { return given(received.get(block), "attention received in block " + block); }

  /** Picture and question in CLIP's common space; null where the checkpoint has no CLIP text tower. */
  public ClipFacts clip() { return clip; }

  /** The class token's features, [tiles, 1, width]. */
  public Tensor classState() { return given(classState, "the class token's state"); }

  /** How the picture was cut into tiles 1 and following; null where it was not. */
  public TileGrid grid() { return grid; }

  /** What is asked about the picture. */
  public QuestionText question() { return question; }

  /** Rows per tile that enter the language model whatever is decided: the class token where the checkpoint keeps it. Budgets count them. */
  public int spareRows() { return spareRows; }

  public VisionFacts withClassAttention(int block, Tensor rows) {
    classRows.put(block, rows);
    return this;
  }

  public VisionFacts withProjections(int block, Tensor query, Tensor key) {
    queries.put(block, query);
    keys.put(block, key);
    return this;
  }

  public VisionFacts withAttentionReceived(int block, Tensor mean) {
    received.put(block, mean);
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

  public VisionFacts withProjected(Tensor rows) {
    projected = rows;
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

  private static Tensor given(Tensor tensor, String what) {
    if (tensor == null) throw new WinnowException("a reducer looks at " + what + " without having asked for it in needs()");
    return tensor;
  }
}
