package dev.winnow.prune.patches;

import dev.winnow.kernels.Tensors;
import org.bytedeco.pytorch.Tensor;

/**
 * VisPruner's thinning of an ordered list: its even places are compared with its odd ones, the even ones with the closest match go, up to
 * eight in a pass, and the list goes on as the even ones that are left, most similar first, and then the odd ones. A list of odd length, on
 * which the public code fails, has one even place more.
 */
public final class ResidualList {
  private static final int MOST = 8;

  /** On the host and read once: a pass looks at few numbers, and asking a device for them pass by pass takes longer than the passes. */
  private final float[] similarity;
  private final int patches;
  private int[] list;
  private int passes;

  /**
   * @param similarity float32 [patches, patches]
   * @param list patches in order
   */
  public ResidualList(Tensor similarity, int[] list) {
    this.similarity = Tensors.toFloats(similarity);
    this.patches = (int) similarity.size(1);
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
    float[] closest = new float[even.length];
    if (odd.length == 0) return closest;
    for (int i = 0; i < even.length; i++) {
      int row = even[i] * patches;
      float most = Float.NEGATIVE_INFINITY;
      for (int other : odd) most = Math.max(most, similarity[row + other]);
      closest[i] = most;
    }
    return closest;
  }
}
