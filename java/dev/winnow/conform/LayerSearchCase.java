package dev.winnow.conform;

import dev.winnow.calibrate.VtwLayerSearch;
import dev.winnow.decoder.Segment;
import dev.winnow.kernels.Tensors;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;

/** Cases of kind {@code layer_search}: VTW's choice of a layer by divergence. */
final class LayerSearchCase {
  /** The official search withdraws these rows whatever the prompt says. */
  private static final int FIRST_ROW = 35;
  private static final int ROWS = 576;

  private LayerSearchCase() {}

  static void run(CaseNode oneCase, Check check) {
    CaseNode inputs = oneCase.get("inputs");
    CaseNode expected = oneCase.get("expected");
    try (GoldenModel model = new GoldenModel(inputs.get("model")); PointerScope scope = new PointerScope()) {
      VtwLayerSearch search = new VtwLayerSearch(model.decoder());
      double[] means = null;
      int sample = 0;
      for (CaseNode spec : inputs.get("samples")) {
        TensorSpec embeds = TensorSpec.read(spec);
        List<Segment> segments = List.of(new Segment(-1, 0, FIRST_ROW), new Segment(0, FIRST_ROW, ROWS),
            new Segment(-1, FIRST_ROW + ROWS, embeds.rows() - FIRST_ROW - ROWS));
        double[] kl = search.divergences(Tensors.floats(embeds.values(), Tensors.CPU, embeds.shape()[0], embeds.shape()[1]), segments);
        compare("kl[" + sample + "]", kl, expected.path("kl").path(sample), check);
        if (means == null) means = new double[kl.length];
        for (int i = 0; i < kl.length; i++) means[i] += kl[i] / inputs.get("samples").size();
        sample++;
      }
      compare("mean_kl", means, expected.path("mean_kl"), check);
      int first = expected.path("first_candidate_layer").asInt(VtwLayerSearch.FIRST_LAYER);
      check.same("first_candidate_layer", VtwLayerSearch.FIRST_LAYER, first);
      // throws where no layer will do, as the original code does
      int selected = VtwLayerSearch.choose(means, oneCase.get("params").get("eta").asDouble());
      check.same("selected_layer", selected, expected.path("selected_layer").asInt(-1));
    }
  }

  /** Nothing is asked of a case that ends in an error. */
  private static void compare(String what, double[] got, CaseNode wanted, Check check) {
    if (wanted.isMissingNode()) return;
    check.same(what + ".size", got.length, wanted.size());
    for (int i = 0; i < got.length; i++) check.value(what + "[" + i + "]", got[i], wanted.path(i).asDouble());
  }
}
