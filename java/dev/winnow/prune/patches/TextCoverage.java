package dev.winnow.prune.patches;

import dev.winnow.kernels.Greedy;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.PatchSelector;
import dev.winnow.prune.QuestionText;
import dev.winnow.prune.VisionFacts;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * MMTok: greedily the patches that cover the question's words (cosine of word embeddings with projected patches) and the picture itself
 * (cosine of tower features), both as softmax over the patches. Without words only the picture counts.
 *
 * @param alpha weight of the picture
 * @param textTemperature of the softmax of words
 * @param visionTemperature of the softmax of patches
 */
public record TextCoverage(double alpha, double textTemperature, double visionTemperature) implements PatchSelector {
  @Override public int[] select(VisionFacts facts, int tile, Tensor scores, int k) {
    return Order.ascending(choose(facts, tile, words(facts.question()), k, new int[0]));
  }

  private static Tensor words(QuestionText question) {
    String keywords = Keywords.of(question.text());
    return keywords.isEmpty() ? null : question.embed().apply(keywords).to(torch.ScalarType.Float);
  }

  /**
   * In the order of choice.
   *
   * @param words float32 [words, hidden], or null
   * @param excluded patches that are never chosen
   */
  public int[] choose(VisionFacts facts, int tile, Tensor words, int k, int[] excluded) {
    Tensor features = facts.features32(tile);
    Tensor cover = torch.softmax(Cosine.between(features, features).div(new Scalar(visionTemperature)),
        -1).mul(new Scalar(alpha / facts.patches(tile)));
    if (words != null && words.size(0) > 0) {
      Tensor asked = torch.softmax(Cosine.between(words, facts.projected32(tile)).div(new Scalar(textTemperature)), -1);
      cover = torch.cat(new TensorVector(asked.div(new Scalar((double) words.size(0))), cover), 0);
    }
    if (excluded.length == 0) return Greedy.cover(cover.contiguous(), null, k);
    boolean[] out = new boolean[facts.patches(tile)];
    for (int patch : excluded) out[patch] = true;
    int[] allowed = IntStream.range(0, out.length).filter(patch -> !out[patch]).toArray();
    Tensor left = cover.index_select(1, Tensors.indices(allowed, cover.device())).contiguous();
    return Arrays.stream(Greedy.cover(left, null, k)).map(i -> allowed[i]).toArray();
  }
}
