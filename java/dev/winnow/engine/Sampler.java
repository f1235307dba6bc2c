package dev.winnow.engine;

import dev.winnow.kernels.SplitMix;
import dev.winnow.kernels.Vectors;

/** Draws tokens by one {@link Sampling}: temperature, then top-k, then top-p; equal logits rank by id, so a seed decides everything. */
final class Sampler {
  private final Sampling sampling;
  private long draws;

  Sampler(Sampling sampling) { this.sampling = sampling; }

  int next(float[] logits) {
    if (sampling.temperature() == 0) return Vectors.argmax(logits);
    int[] ranked = Vectors.ranked(logits);
    int count = sampling.topK() == 0 ? ranked.length : Math.min(sampling.topK(), ranked.length);
    double[] weights = new double[count];
    double total = 0;
    for (int i = 0; i < count; i++) total += weights[i] = Math.exp((logits[ranked[i]] - logits[ranked[0]]) / sampling.temperature());
    double wanted = sampling.topP() * total;
    double kept = 0;
    int last = 0;
    while (last < count && kept < wanted) kept += weights[last++];
    double at = (SplitMix.bits(sampling.seed(), draws++) >>> 11) * 0x1p-53 * kept;
    for (int i = 0; i < last; i++) {
      at -= weights[i];
      if (at < 0) return ranked[i];
    }
    return ranked[Math.max(0, last - 1)];
  }
}
