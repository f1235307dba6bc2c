package dev.winnow.prune.patches;

import dev.winnow.kernels.Tensors;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * VisPruner's thinning of an ordered list: its even places are compared with its odd ones, the even ones with the closest match go, up to
 * eight in a pass, and the list goes on as the even ones that are left, most similar first, and then the odd ones. A list of odd length, on
 * which the public code fails, has one even place more.
 */
public final class ResidualList {
  private static final int MOST = 8;

  private final Tensor similarity;
  private int[] list;
  private int passes;

  /**
   * @param similarity float32 [patches, patches]
   * @param list patches in order
   */
  public ResidualList(Tensor similarity, int[] list) {
    this.similarity = similarity;
    this.list = list;
  }

  public int[] list() { return list; }

  public int passes() { return passes; }

  /** Passes until {@code target} are left. */
  public int[] reduceTo(int target) {
    if (target == 0) list = new int[0];
    while (list.length > target) pass(target);
    return list;
  }

  public void pass(int target) {
    int[] even = new int[(list.length + 1) / 2];
    int[] odd = new int[list.length / 2];
    for (int i = 0; i < list.length; i++) (i % 2 == 0 ? even : odd)[i / 2] = list[i];
    int drop = Math.min(Math.min(MOST, list.length - target), even.length);
    int[] order = Order.falling(closest(even, odd));
    int[] left = new int[even.length - drop];
    for (int i = 0; i < left.length; i++) left[i] = even[order[drop + i]];
    list = Order.concat(left, odd);
    passes++;
  }

  private float[] closest(int[] even, int[] odd) {
    if (odd.length == 0) return new float[even.length];
    Tensor block = similarity.index_select(0, Tensors.indices(even, similarity.device())).index_select(1,
        Tensors.indices(odd, similarity.device()));
    return Tensors.toFloats(torch.amax(block, new long[] {1}, false));
  }
}
