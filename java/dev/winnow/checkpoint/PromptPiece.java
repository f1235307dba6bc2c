package dev.winnow.checkpoint;

import java.util.List;

/**
 * A part of a prompt. The parts keep apart what the chat format says and what the user says, so that no text that a user
 * types can become a control token.
 */
public sealed interface PromptPiece {
  /**
   * The prompt as one string, with {@code <image>} and {@code <video>} at the places of images and videos; for people, not for a tokenizer.
   */
  static String render(List<PromptPiece> pieces) {
    StringBuilder text = new StringBuilder();
    for (PromptPiece piece : pieces) {
      if (piece instanceof Control control) text.append(control.text());
      else if (piece instanceof Text user) text.append(user.text());
      else text.append(piece instanceof Image ? "<image>" : "<video>");
    }
    return text.toString();
  }

  /** Text of the chat format: strings of special tokens in it are those tokens. */
  record Control(String text) implements PromptPiece {}

  /** Text of a user, or an earlier answer: strings that look like special tokens are ordinary text. */
  record Text(String text) implements PromptPiece {}

  /** The place of one image. */
  record Image() implements PromptPiece {}

  /** The place of one video. */
  record Video() implements PromptPiece {}
}
