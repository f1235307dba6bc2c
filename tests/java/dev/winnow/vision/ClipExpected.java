package dev.winnow.vision;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

/** The CLIP folder of the tests and what transformers computes with it; tests/data/clip/README.md says how both were made. */
public final class ClipExpected {
  public static final Path FOLDER = TestData.path("clip/clip-vit-tiny-text");
  static final Path TENSORS = TestData.path("clip/expected.safetensors");
  private static final JsonNode JSON = read();

  private ClipExpected() {}

  /** A text with CLIP's ids of it. */
  public record Text(int number, String text, int[] ids) {}

  /** What an independent computation keeps of the picture, with the text of that number as the question. */
  public record Choice(String model, String image, int text, String method, int budget, int[] kept) {}

  public static List<Text> texts() {
    return IntStream.range(0, JSON.get("texts").size()).mapToObj(i -> {
      JsonNode node = JSON.get("texts").get(i);
      return new Text(i, node.get("text").asText(), ints(node.get("ids")));
    }).toList();
  }

  public static List<Choice> choices() {
    return StreamSupport.stream(JSON.get("choices").spliterator(), false).map(node -> new Choice(node.get("model").asText(),
        node.get("image").asText(), node.get("text").asInt(), node.get("method").asText(), node.get("budget").asInt(),
        ints(node.get("kept")))).toList();
  }

  private static int[] ints(JsonNode list) { return StreamSupport.stream(list.spliterator(), false).mapToInt(JsonNode::asInt).toArray(); }

  private static JsonNode read() {
    try {
      return new ObjectMapper().readTree(TestData.path("clip/expected.json").toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
