package dev.winnow.checkpoint;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.winnow.InvalidInputException;
import java.nio.file.Path;

/** CLIP's tokenizer: ids of a text. Nothing in a text is a control token. Safe for use by several threads until it is closed. */
public final class ClipTokenizer implements AutoCloseable {
  private final Path file;
  private final HuggingFaceTokenizer library;
  private final int vocabulary;

  private ClipTokenizer(Path file, HuggingFaceTokenizer library, int vocabulary) {
    this.file = file;
    this.library = library;
    this.vocabulary = vocabulary;
  }

  static ClipTokenizer open(Path folder, int vocabulary) {
    Path file = folder.resolve("tokenizer.json");
    SecretNames names = SecretNames.in(TokenizerLibrary.definition(file), SpecialTokens.read(folder));
    return new ClipTokenizer(file, TokenizerLibrary.open(file, names), vocabulary);
  }

  /**
   * Ids of a text with CLIP's begin and end of text around it, not cut however long it is.
   *
   * @throws InvalidInputException for a text with half a surrogate pair, or an id that the text tower does not know
   */
  public int[] ids(String text) {
    long[] wide = library.encode(TokenizerLibrary.checked(text), true, false).getIds();
    int[] ids = new int[wide.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = Math.toIntExact(wide[i]);
      if (ids[i] < vocabulary) continue;
      throw new InvalidInputException("the question has a token with id " + ids[i] + ", but CLIP's text tower knows " + vocabulary
          + " tokens: " + file + " belongs to another model");
    }
    return ids;
  }

  @Override public void close() { library.close(); }
}
