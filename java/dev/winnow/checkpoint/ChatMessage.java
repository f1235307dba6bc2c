package dev.winnow.checkpoint;

import java.util.List;

/**
 * One message of a conversation. The published chat formats put a message's pictures first, then its videos, then its texts,
 * whatever their order was.
 *
 * @param images number of images
 * @param videos number of videos
 * @param texts texts as the user typed them, or as the model answered
 */
public record ChatMessage(Role role, int images, int videos, List<String> texts) {
  /** Who speaks. */
  public enum Role { SYSTEM, USER, ASSISTANT }

  public ChatMessage {
    texts = List.copyOf(texts);
  }

  public static ChatMessage system(String text) { return new ChatMessage(Role.SYSTEM, 0, 0, List.of(text)); }

  public static ChatMessage user(int images, int videos, String text) { return new ChatMessage(Role.USER, images, videos, List.of(text)); }

  public static ChatMessage assistant(String text) { return new ChatMessage(Role.ASSISTANT, 0, 0, List.of(text)); }
}
