package dev.winnow.prune.patches;

import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.ClipFacts;
import dev.winnow.prune.PatchScorer;
import dev.winnow.prune.VisionFacts;
import dev.winnow.prune.VisionNeeds;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * EADP's importance of patches: relevance to the whole question and to those of its text positions whose relevance is least spread over the
 * patches (lowest entropy), scaled to 0..1 over all tiles, smoothed by a 3x3 Gaussian that mirrors at the border, to a power.
 *
 * @param alpha weight of the whole question
 * @param beta power
 */
public record EntropyRelevance(double alpha, double beta) implements PatchScorer {
  private static final double EPS = 1e-6;
  private static final double POSITIONS_KEPT = 0.2;
  private static final double SHARPNESS = 100;
  private static final double TEMPERATURE = 0.01 + EPS;

  @Override public VisionNeeds needs() { return VisionNeeds.NOTHING.withGrid().withClip(VisionNeeds.Clip.EVERY_POSITION); }

  @Override public List<Tensor> score(VisionFacts facts) {
    ClipFacts clip = facts.clip();
    List<Tensor> tiles = new ArrayList<>();
    for (int t = 0; t < facts.tiles(); t++) {
      Tensor local = local(clip, t);
      Tensor global = ClipRelevance.againstSegments(clip.image().get(t), clip.text());
      tiles.add(global.mul(new Scalar(alpha)).add(local.mul(new Scalar(1 - alpha))));
    }
    Tensor relevance = torch.stack(new TensorVector(tiles.toArray(new Tensor[0])), 0);
    Tensor low = relevance.min();
    Tensor scaled = relevance.sub(low).add(new Scalar(EPS)).div(relevance.max().sub(low).add(new Scalar(EPS)));
    Tensor smooth = smooth(scaled).pow(new Scalar(beta)).contiguous();
    return IntStream.range(0, facts.tiles()).mapToObj(t -> smooth.select(0, t)).toList();
  }

  /** Relevance to single text positions, mean over segments: float32 [patches]. */
  private static Tensor local(ClipFacts clip, int tile) {
    List<Tensor> segments = new ArrayList<>();
    Tensor patches = Cosine.unit(clip.image().get(tile));
    for (int s = 0; s < clip.textTokens().size(0); s++) {
      Tensor relevance = torch.matmul(Cosine.unit(clip.textTokens().select(0, s)), patches.t()).neg();
      Tensor log = torch.log_softmax(relevance.mul(new Scalar(SHARPNESS)), 1);
      Tensor entropy = torch.sum(log.exp().mul(log), 1).neg().contiguous();
      int[] kept = Kernels.top(entropy.neg().contiguous(), Math.max(1, (int) (entropy.size(0) * POSITIONS_KEPT)));
      Tensor at = Tensors.indices(kept, entropy.device());
      Tensor weights = torch.softmax(entropy.index_select(0, at).neg().div(new Scalar(TEMPERATURE)), 0);
      segments.add(torch.matmul(weights, relevance.index_select(0, at)));
    }
    return torch.mean(torch.stack(new TensorVector(segments.toArray(new Tensor[0])), 0), 0);
  }

  /** [tiles, patches] as square maps. */
  private static Tensor smooth(Tensor scores) {
    long side = Math.round(Math.sqrt(scores.size(1)));
    Tensor map = scores.reshape(scores.size(0), 1, side, side);
    Tensor wide = side < 2 ? torch.replication_pad2d(map, 1, 1, 1, 1) : torch.reflection_pad2d(map, 1, 1, 1, 1);
    double edge = Math.exp(-0.5);
    double sum = 1 + 2 * edge;
    float[] line = {(float) (edge / sum), (float) (1 / sum), (float) (edge / sum)};
    Tensor kernel = Tensors.floats(line, scores.device(), 3, 1);
    kernel = torch.matmul(kernel, kernel.t());
    Tensor result = null;
    for (int i = 0; i < 9; i++) {
      Tensor part = wide.narrow(2, i / 3, side).narrow(3, i % 3, side).mul(kernel.select(0, i / 3).select(0, i % 3));
      result = result == null ? part : result.add(part);
    }
    return result.reshape(scores.size(0), scores.size(1)).contiguous();
  }
}
