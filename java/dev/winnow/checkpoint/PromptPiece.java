package dev.winnow.checkpoint;

/**
 * A part of a prompt. The parts keep apart what the chat format says and what the user says, so that no text that a user
 * types can become a control token.
 */
public sealed interface PromptPiece {
  /** Text of the chat format: strings of special tokens in it are those tokens. */
  record Control(String text) implements PromptPiece {}

  /** Text of a user, or an earlier answer: strings that look like special tokens are ordinary text. */
  record Text(String text) implements PromptPiece {}

  /** The place of one image. */
  record Image() implements PromptPiece {}

  /** The place of one video. */
  record Video() implements PromptPiece {}
}
