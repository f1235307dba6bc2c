package dev.winnow.prune;

import dev.winnow.kernels.Tensors;
import dev.winnow.vision.ClipSpace;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** One question in CLIP's common space: encoded when the first cut asks, once for all pictures of its turn. Used by one thread. */
public final class ClipQuestion {
  private final ClipSpace space;
  private final Function<String, int[]> ids;
  private final String question;
  private final PointerScope scope;
  private ClipSpace.Text text;

  /**
   * @param ids of a text, CLIP's begin and end of text around it
   * @param question as the user wrote it; CLIP sees it without hints on the form of the answer
   * @param scope owns what is encoded; open as long as this is used
   */
  public ClipQuestion(ClipSpace space, Function<String, int[]> ids, String question, PointerScope scope) {
    this.space = space;
    this.ids = ids;
    this.question = question;
    this.scope = scope;
  }

  /**
   * The question beside the tokens of a picture that are left. Image tensors belong to the caller's PointerScope.
   *
   * @param wanted more than nothing
   */
  public ClipFacts beside(VisionFacts facts, VisionNeeds.Clip wanted) {
    boolean everyPosition = wanted == VisionNeeds.Clip.EVERY_POSITION;
    if (text == null || everyPosition && text.tokens() == null) {
      text = space.text(ids.apply(QuestionText.withoutHints(question)), everyPosition);
      Tensors.adopt(scope, text.pooled());
      if (everyPosition) Tensors.adopt(scope, text.tokens());
    }
    List<Tensor> image = new ArrayList<>();
    for (int t = 0; t < facts.tiles(); t++) image.add(space.image(facts.features(t)));
    return new ClipFacts(image, text.pooled(), text.tokens());
  }
}
