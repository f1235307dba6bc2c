package dev.winnow.prune;

import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A scorer of one's own, as docs/plans.md shows it: the largest rows stay, by the root mean square of their hidden state. */
public final class RowNorms implements Scorer, PartProvider {
  @Override public void register() { Parts.scorer("row-norms", List.of(), settings -> new RowNorms()); }

  @Override public Spec spec() { return Spec.of("row-norms"); }

  @Override public Input input() { return Input.NOTHING; }

  @Override public Tensor score(Candidates candidates) {
    Tensor rows = candidates.view().hidden().narrow(0, candidates.firstRow(), candidates.count());
    return rows.to(ScalarType.Float).square().mean(1).sqrt();
  }
}
