package dev.winnow.prune;

import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/**
 * The question that comes with a picture, for methods that ask what is looked for.
 *
 * @param text as the user wrote it, without chat format and placeholders
 * @param embed rows of the language model's embedding for a text without begin-of-sequence token, [tokens, hidden]
 * @param clip puts it beside pictures in CLIP's common space; null where the model has no CLIP
 */
public record QuestionText(String text, Function<String, Tensor> embed, ClipQuestion clip) {
  public static final QuestionText NONE = new QuestionText("", text -> {
    throw new WinnowException("there is no question to look at");
  }, null);

  /** Hints on the form of the answer that benchmarks append; no method looks for them in a picture. */
  private static final List<String> HINTS = List.of("Answer the question using a single word or phrase.",
      "Answer with the option's letter from the given choices directly.");

  /**
   * Beside a picture in CLIP's common space; image tensors belong to the caller's PointerScope.
   *
   * @throws InvalidInputException where the model has no CLIP: a plan made for another model may ask for it
   */
  public ClipFacts beside(VisionFacts facts, VisionNeeds.Clip wanted) {
    if (clip != null) return clip.beside(facts, wanted);
    throw new InvalidInputException("the plan measures relevance with CLIP's text tower, and no CLIP stands beside this model; name its"
        + " folder with --clip DIR (in Java ModelOptions.withClip)");
  }

  /** A question without the hints on the form of its answer. */
  public static String withoutHints(String question) {
    String text = question;
    for (String hint : HINTS) text = text.replace(hint, "");
    return text.strip();
  }
}
