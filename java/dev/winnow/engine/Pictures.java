package dev.winnow.engine;

import dev.winnow.decoder.ImageRows;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Plan;
import dev.winnow.prune.QuestionText;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.VideoFrames;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** The pictures and videos of one prompt as they enter the language model, with what the cuts before it have to say to those inside. */
public record Pictures(List<ImageEncoder.Encoded> all) {
  public Pictures { all = List.copyOf(all); }

  /**
   * Encodes pictures under a plan.
   *
   * @param firstImage number of the first picture within the session
   * @param scope owns their rows
   */
  public static Pictures encode(ImageEncoder encoder, List<PixelBatch> pixels, Plan plan, int firstImage, QuestionText question,
      PointerScope scope) {
    for (PixelBatch batch : pixels) encoder.check(batch, plan); // of any picture, before the tower sees the first
    List<ImageEncoder.Encoded> all = new ArrayList<>();
    for (PixelBatch batch : pixels) {
      ImageEncoder.Encoded encoded = encoder.encode(batch, plan, firstImage + all.size(), question);
      Tensors.adopt(scope, encoded.rows());
      plan.checkEntering((int) encoded.rows().size(0));
      all.add(encoded);
    }
    return new Pictures(all);
  }

  /**
   * Encodes pictures and videos under a plan.
   *
   * @param first number of the first of them within the session
   * @param scope owns their rows
   */
  static Pictures encode(Model model, Visuals visuals, Plan plan, int first, QuestionText question, PointerScope scope) {
    List<ImageEncoder.Encoded> all = new ArrayList<>(encode(model.images(), visuals.pictures(), plan, first, question, scope).all());
    for (VideoFrames video : visuals.videos()) {
      ImageEncoder.Encoded encoded = model.videos().encode(video, plan, first + all.size(), question);
      Tensors.adopt(scope, encoded.rows());
      plan.checkEntering((int) encoded.rows().size(0));
      all.add(encoded);
    }
    return new Pictures(all);
  }

  /** Per picture [tokens, hidden]. */
  public List<Tensor> rows() { return all.stream().map(ImageEncoder.Encoded::rows).toList(); }

  /** What the cuts before the decoder did. */
  public List<CutRecord> cuts() { return all.stream().flatMap(picture -> picture.cuts().stream()).toList(); }

  /** Rows that the pictures would have without a cut and that do not enter. */
  public int removed() { return all.stream().mapToInt(picture -> picture.unpruned() - (int) picture.rows().size(0)).sum(); }

  /** Positions that the rows would leave empty if they stood where their patches do. */
  int holes() {
    return all.stream().map(ImageEncoder.Encoded::standFor).filter(Objects::nonNull)
        .mapToInt(image -> image.span() - image.places().length).sum();
  }

  /**
   * Tells a run, which has been given the prompt but has not moved on yet, what it cannot see from the rows.
   *
   * @param firstImage number of the first picture within the session
   */
  public void announce(SequenceRun run, int firstImage) {
    run.sequence().withdraw(removed());
    for (int i = 0; i < all.size(); i++) {
      run.keyTokens(firstImage + i, all.get(i).keyRows());
      ImageRows standFor = all.get(i).standFor();
      if (run.plan().repairs() && standFor != null) run.imageRows(firstImage + i, standFor);
    }
  }
}
