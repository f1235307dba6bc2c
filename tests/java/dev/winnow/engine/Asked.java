package dev.winnow.engine;

import dev.winnow.TestData;
import dev.winnow.vision.RgbImage;
import java.nio.file.Path;

/** What the engine's tests share: the small checkpoint, a drawn picture, and a question in its prompt format. */
final class Asked {
  static final Path MODEL = TestData.path("parity/models/llava15-mha-56");
  static final String PROMPT = "USER: <image>\nWhat is this? ASSISTANT:";

  private Asked() {}

  /** The picture T(w,h) of the field cases. */
  static RgbImage drawn(int width, int height) {
    byte[] rgb = new byte[width * height * 3];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int at = (y * width + x) * 3;
        rgb[at] = (byte) (x * 255 / Math.max(1, width - 1));
        rgb[at + 1] = (byte) (y * 255 / Math.max(1, height - 1));
        rgb[at + 2] = (byte) ((7 * x + 13 * y) % 256);
      }
    }
    return new RgbImage(width, height, rgb);
  }

  static Question base() { return Question.of(PROMPT).raw().image(drawn(90, 60)).maxTokens(8); }

  static Answer ask(Model model, Question question) {
    try (Session session = model.newSession()) {
      return session.ask(question);
    }
  }
}
