package dev.winnow.prune;

import dev.winnow.WinnowException;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/**
 * The question that comes with a picture, for methods that ask what is looked for.
 *
 * @param text as the user wrote it, without chat format and placeholders
 * @param embed rows of the language model's embedding for a text without begin-of-sequence token, [tokens, hidden]
 */
public record QuestionText(String text, Function<String, Tensor> embed) {
  public static final QuestionText NONE = new QuestionText("", text -> {
    throw new WinnowException("there is no question to look at");
  });
}
