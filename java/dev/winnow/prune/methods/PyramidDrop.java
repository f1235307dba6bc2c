package dev.winnow.prune.methods;

import dev.winnow.InvalidInputException;
import dev.winnow.prune.Count;
import dev.winnow.prune.LayerCut;
import dev.winnow.prune.Method;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Scorer;
import dev.winnow.prune.Scorers;
import dev.winnow.prune.Selectors;
import dev.winnow.prune.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * PyramidDrop: at the input of a few layers, the last prompt token's attention, computed with the projections of the layer about to run,
 * ranks the image tokens; a falling share of the original number stays. Counts are truncated, positions are renumbered.
 */
public final class PyramidDrop implements Method {
  private static final List<Double> RATIOS = List.of(0.5, 0.25, 0.125);

  @Override public String name() { return "pyramiddrop"; }

  @Override public String summary() {
    return "Drops image tokens in stages inside the decoder, ranked by the last prompt token's attention in the layer about to run.";
  }

  @Override public String source() { return "Xing et al., PyramidDrop, CVPR 2025 (arXiv 2410.17247); code Cooperx521/PyramidDrop"; }

  @Override public List<Parameter> parameters() {
    return List.of(
        new Parameter("layers", shape -> joined(layers(shape)), "a quarter, half and three quarters of the depth (8,16,24 of 32)",
            "layers at whose input a stage begins (code: layer_list 8,16,24 in the scripts of both 32 and 40 layers)"),
        new Parameter("ratios", shape -> joined(RATIOS.subList(0, layers(shape).size())), joined(RATIOS),
            "share of the image's original tokens that stays at each layer, truncated to a whole number (code: image_token_ratio_list;"
                + " paper: lambda 0.5)").asCount(),
        Positions.parameter("renumber", "modeling_llama_pdrop.py of the code"));
  }

  /** As many stages as stand before different layers; the only layer of a decoder can have one before it. */
  private static List<Integer> layers(ModelShape shape) {
    int first = Math.min(1, shape.layers() - 1);
    return IntStream.of(1, 2, 3).map(n -> Math.max(first + n - 1, shape.layers() * n / 4)).filter(layer -> layer < shape.layers()).boxed()
        .toList();
  }

  private static String joined(List<?> items) { return items.stream().map(String::valueOf).collect(Collectors.joining(",")); }

  @Override public Plan plan(ModelShape shape, Settings settings) {
    List<Integer> layers = settings.integers("layers");
    List<Double> ratios = settings.numbers("ratios");
    String given = settings.values().get("ratios");
    if (layers.size() != ratios.size()) throw settings.wrong("ratios", given, "as many ratios as layers (" + layers.size() + ")");
    List<LayerCut> cuts = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      settings.layer("layers", layers.get(i), i == 0 ? 0 : layers.get(i - 1) + 1, shape.layers() - 1);
      if (!(ratios.get(i) >= 0 && ratios.get(i) <= (i == 0 ? 1 : ratios.get(i - 1)))) {
        throw settings.wrong("ratios", given, "shares of the original tokens from 1 to 0 that do not rise");
      }
      cuts.add(new LayerCut(layers.get(i), Scorers.lastRowAttention(Scorer.Input.LAYER_ITSELF),
          Selectors.top(Count.shareKept(ratios.get(i))), LayerCut.Effect.DROP));
    }
    return Plan.of(this, settings, cuts, Positions.of(settings), true);
  }

  /** Finds the share r such that stages of r, r^2, r^3, ... average to the budget. */
  @Override public Map<String, String> budget(ModelShape shape, Settings settings, int imageTokens, int tokens) {
    List<Integer> layers = settings.integers("layers");
    int lowest = layers.isEmpty() ? shape.layers() : layers.get(0);
    if ((long) lowest * imageTokens > (long) tokens * shape.layers()) {
      throw new InvalidInputException("pyramiddrop cannot average " + tokens + " of " + imageTokens
          + " tokens when its first stage is layer " + lowest + "; set earlier layers or a larger budget");
    }
    double low = tokens >= imageTokens ? 1 : 0;
    double high = 1;
    for (int i = 0; i < 50 && low < 1; i++) {
      double middle = (low + high) / 2;
      if (totalTokens(shape, layers, imageTokens, middle) <= (long) tokens * shape.layers()) low = middle;
      else high = middle;
    }
    double share = low;
    return Map.of("ratios", joined(IntStream.rangeClosed(1, layers.size()).mapToObj(i -> Math.pow(share, i)).toList()));
  }

  private static long totalTokens(ModelShape shape, List<Integer> layers, int imageTokens, double share) {
    long total = (long) layers.get(0) * imageTokens;
    for (int i = 0; i < layers.size(); i++) {
      int end = i + 1 < layers.size() ? layers.get(i + 1) : shape.layers();
      total += (long) (end - layers.get(i)) * (int) (imageTokens * Math.pow(share, i + 1));
    }
    return total;
  }
}
