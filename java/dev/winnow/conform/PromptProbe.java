package dev.winnow.conform;

import dev.winnow.checkpoint.Weights;
import dev.winnow.decoder.CutView;
import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.LayerPruner;
import dev.winnow.decoder.RowCut;
import dev.winnow.decoder.Sequence;
import dev.winnow.decoder.StepObserver;
import dev.winnow.kernels.Kernels;
import dev.winnow.kernels.Tensors;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Looks into one prompt's pass: hidden states, logits of every position, and the attention rows that the golden tensors have. */
final class PromptProbe implements StepObserver, LayerPruner {
  private final Decoder decoder;
  private final Weights tensors;
  private final String caseId;
  private final float[] layers;
  private final Map<String, float[]> rows = new LinkedHashMap<>();
  private final int hidden;
  private float[] allLogits;
  private float[] lastHidden;

  PromptProbe(Decoder decoder, Sequence sequence, Weights tensors, String caseId) {
    this.decoder = decoder;
    this.tensors = tensors;
    this.caseId = caseId;
    this.hidden = decoder.config().hidden();
    this.layers = new float[(decoder.config().layers() + 1) * hidden];
    sequence.prune(this, sequence.policy());
  }

  @Override public void entering(int layer, Tensor rows) { put(layer, rows); }

  @Override public void finished(Tensor normed) {
    put(decoder.config().layers(), normed);
    allLogits = Tensors.toFloats(decoder.logits(normed));
    lastHidden = Tensors.toFloats(normed.narrow(0, normed.size(0) - 1, 1));
  }

  private void put(int state, Tensor rows) {
    System.arraycopy(Tensors.toFloats(rows.narrow(0, rows.size(0) - 1, 1)), 0, layers, state * hidden, hidden);
  }

  @Override public Need need(int layer, boolean generating) { return keepsQueries(layer - 1, generating) ? Need.INPUT : Need.NOTHING; }

  @Override public boolean keepsQueries(int layer, boolean generating) { return !generating && tensors.has(caseId + "/" + name(layer)); }

  @Override public RowCut cut(CutView view) {
    int heads = (int) view.queries().size(1);
    int group = heads / (int) view.keys().size(1);
    int length = (int) view.keys().size(0);
    Tensor last = view.queries().narrow(0, view.queries().size(0) - 1, 1);
    float[] map = new float[heads * length];
    for (int h = 0; h < heads; h++) {
      float[] row = Tensors.toFloats(Kernels.attentionScores(last.narrow(1, h, 1), view.keys().narrow(1, h / group, 1), 0, length));
      System.arraycopy(row, 0, map, h * length, length);
    }
    rows.put(name(view.layer() - 1), map);
    return RowCut.NOTHING;
  }

  private static String name(int layer) { return "attn_layer" + layer + "_last_row"; }

  float[] layersLastPosition() { return layers; }

  float[] lastHidden() { return lastHidden; }

  float[] allLogits() { return allLogits; }

  /** By golden name: heads x length, row-major. */
  Map<String, float[]> attentionRows() { return rows; }
}
