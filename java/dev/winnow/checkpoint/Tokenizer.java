package dev.winnow.checkpoint;

import java.util.List;

/** Turns prompts into token ids and ids into text. Safe for use by several threads until it is closed. */
public interface Tokenizer extends AutoCloseable {
  /**
   * Ids of a whole prompt, beginning with what the tokenizer puts before every text (such as {@code <s>}). One id stands for
   * each image or video: {@link ModelConfig#imageTokenId} or {@link ModelConfig#videoTokenId}. For ordinary text the ids are
   * those of the whole prompt in one string, however it is cut into pieces.
   *
   * <p>Throws InvalidInputException for a text with half a surrogate pair.
   */
  int[] encode(List<PromptPiece> pieces);

  /** Ids of pieces that follow an answer in the same sequence: as {@link #encode}, without what stands before every text. */
  int[] encodeContinuation(List<PromptPiece> pieces);

  /**
   * The pieces of a prompt that is written out by the caller, placeholders ({@code <image>}, {@code <video>}) and special
   * tokens included.
   */
  List<PromptPiece> rawPrompt(String prompt);

  /**
   * Text of ids. Bytes that are no UTF-8 become U+FFFD; ids that the vocabulary lacks are left out.
   *
   * @param skipSpecial whether special tokens are left out
   */
  String decode(int[] ids, boolean skipSpecial);

  /** Starts decoding an answer token by token. */
  StreamDecoder stream();

  @Override void close();
}
