package dev.winnow.prune.patches;

import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.PatchScorer;
import dev.winnow.prune.PatchScorers;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Reduction;
import dev.winnow.prune.TileShares;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import dev.winnow.prune.VisionReducer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * VisionZip: the class token and the patches it attends to most stay as they are ("dominant"); of the rest, evenly spaced targets take up
 * the mean of the patches most similar to them ("contextual": target plus mean). A picture whose checkpoint keeps the class token has it
 * already.
 *
 * @param block whose class attention (summed over heads) ranks, and whose keys (mean over heads) measure similarity
 * @param tokens rows of one picture, all tiles together
 * @param contextual of these, merged rows per tile; -1 for 10 of 64, the official proportion
 */
public record DominantContextual(int block, int tokens, int contextual) implements VisionReducer {
  @Override public VisionNeeds needs() { return scorer().needs().and(VisionNeeds.projections(block)).withClassState(); }

  @Override public boolean keepsAll(int unpruned) { return tokens >= unpruned; }

  @Override public int most(int rows) { return Math.min(rows, tokens); }

  private PatchScorer scorer() { return PatchScorers.classAttentionSum(block); }

  @Override public List<Reduction> reduce(VisionFacts facts) {
    List<Tensor> scores = scorer().score(facts);
    int[] room = new int[facts.tiles()];
    Arrays.fill(room, facts.patches() + (facts.spareRows() > 0 ? 0 : 1));
    int[] shares = TileShares.equal(facts.room(tokens), room);
    List<Reduction> tiles = new ArrayList<>();
    for (int t = 0; t < facts.tiles(); t++) tiles.add(tile(facts, t, scores.get(t), shares[t]));
    return tiles;
  }

  private Reduction tile(VisionFacts facts, int t, Tensor scores, int share) {
    int merged = Math.min(share, contextual >= 0 ? contextual : (int) Math.rint(share * 10 / 64.0));
    int own = facts.spareRows() > 0 || share == merged ? 0 : 1;
    int[] dominant = Kernels.top(scores, share - merged - own);
    Contextual context = contextual(facts, t, dominant, merged);
    int[] kept = own == 0 ? dominant : Order.concat(new int[] {Reduction.NO_PATCH}, dominant);
    List<CutRecord.Merged> merges = new ArrayList<>();
    for (int c = 0; c < context.targets.length; c++) {
      if (context.members[c].length > 1) merges.add(new CutRecord.Merged(context.targets[c], Order.ascending(context.members[c])));
    }
    Tensor features = facts.features(t);
    TensorVector parts = own == 0 ? new TensorVector() : new TensorVector(facts.classState().select(0, t));
    parts.push_back(Kernels.gatherRows(features.contiguous(), dominant));
    parts.push_back(Kernels.mergeRows(features.contiguous(), context.members, context.weights));
    return new Reduction(Order.concat(kept, context.targets), torch.cat(parts, 0), merges, Tensors.toFloats(scores));
  }

  /**
   * @param targets patches, ascending
   * @param assignment for every other patch that is not dominant, ascending, the number of its target
   * @param members per target itself and the patches assigned to it
   * @param weights of the members in the merged row
   */
  public record Contextual(int[] targets, int[] assignment, int[][] members, float[][] weights) {}

  /** The merged rows of a tile. */
  public Contextual contextual(VisionFacts facts, int t, int[] dominant, int count) {
    boolean[] taken = new boolean[facts.patches()];
    for (int patch : dominant) taken[patch] = true;
    int[] rest = IntStream.range(0, taken.length).filter(patch -> !taken[patch]).toArray();
    int wanted = Math.min(count, rest.length);
    int step = Math.max(1, rest.length / Math.max(1, wanted));
    int[] targets = new int[wanted];
    for (int c = 0; c < wanted; c++) targets[c] = rest[c * step];
    for (int patch : targets) taken[patch] = true;
    int[] others = Arrays.stream(rest).filter(patch -> !taken[patch]).toArray();
    int[] assignment = assign(facts, t, targets, others);
    int[][] members = new int[wanted][];
    float[][] weights = new float[wanted][];
    for (int c = 0; c < wanted; c++) {
      int target = c;
      int[] assigned = IntStream.range(0, others.length).filter(i -> assignment[i] == target).map(i -> others[i]).toArray();
      members[c] = Order.concat(new int[] {targets[c]}, assigned);
      weights[c] = new float[members[c].length];
      Arrays.fill(weights[c], 1f / Math.max(1, assigned.length));
      weights[c][0] = 1;
    }
    return new Contextual(targets, assignment, members, weights);
  }

  private int[] assign(VisionFacts facts, int t, int[] targets, int[] others) {
    if (targets.length == 0 || others.length == 0) return new int[others.length];
    Tensor keys = facts.keys(block, t).to(torch.ScalarType.Float);
    Tensor metric = torch.mean(keys, 0);
    metric = metric.narrow(0, metric.size(0) - facts.patches(), facts.patches()).contiguous();
    Tensor similarity = Cosine.between(Kernels.gatherRows(metric, others), Kernels.gatherRows(metric, targets));
    return Tensors.toInts(torch.argmax(similarity, new LongOptional(1), false));
  }
}
