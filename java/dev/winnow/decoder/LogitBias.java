package dev.winnow.decoder;

import dev.winnow.kernels.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** {@link AttentionBias} as numbers, for one sequence and one step. Most layers have the distances of the layer before, which are kept. */
final class LogitBias implements AutoCloseable {
  private final Rope rope;
  private int[] queryPositions;
  private int[] keyPositions;
  private Tensor distances;

  LogitBias(Rope rope) { this.rope = rope; }

  /**
   * @param positions rotary positions of the rows that ask
   * @param cache keys of the layer, the asking rows' last
   * @return float32 [positions.length or 1, keys] in the caller's scope; null where nothing is to be added
   */
  Tensor of(Sequence sequence, int layer, boolean generating, int[] positions, LayerCache cache) {
    AttentionBias rule = sequence.pruner().attentionBias();
    if (rule.isNone() || sequence.places().isEmpty()) return null;
    Tensor sizes = rule.sizes() == AttentionBias.Sizes.NONE ? null
        : sizes(sequence.places(), cache.origins(), layer == 0 && rule.sizes() == AttentionBias.Sizes.EVEN_FIRST);
    if (!rule.measures(generating)) return sizes;
    measure(positions, cache.positions());
    return sizes == null ? distances : distances.add(sizes);
  }

  private Tensor sizes(RowPlaces places, int[] origins, boolean even) {
    float[] logs = new float[origins.length];
    for (int i = 0; i < logs.length; i++) logs[i] = (float) Math.log(places.size(origins[i], even));
    return Tensors.floats(logs, rope.device(), 1, logs.length);
  }

  private void measure(int[] queries, int[] keys) {
    if (Arrays.equals(queries, queryPositions) && Arrays.equals(keys, keyPositions)) return;
    Tensor from = Tensors.indices(queries, rope.device()).unsqueeze(1);
    Tensor steps = from.sub(Tensors.indices(keys, rope.device()).unsqueeze(0)).abs();
    int farthest = Math.max(Arrays.stream(queries).max().orElse(0), Arrays.stream(keys).max().orElse(0));
    Tensor next = torch.take(rope.distanceBias(farthest + 1), steps);
    next.retainReference();
    close();
    distances = next;
    queryPositions = queries;
    keyPositions = keys;
  }

  @Override public void close() {
    if (distances != null) distances.releaseReference();
    distances = null;
  }
}
