package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.TestData;
import dev.winnow.kernels.Vectors;
import dev.winnow.prune.CutRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PyramidDrop and FastV on videos beside an implementation over transformers' layers ({@code tests/data/video/make.py}). */
class VideoReferenceTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @ParameterizedTest
  @ValueSource(strings = {"llava-next-video-112", "llava-onevision-62", "video-llava-56"})
  void theSameTokensStayAndTheAnswerIsTheSame(String name) throws IOException {
    JsonNode golden = JSON.readTree(TestData.path("parity/goldens/models/" + name + ".json").toFile());
    int compared = 0;
    try (Model model = Model.open(TestData.path("parity/models/" + name))) {
      for (JsonNode expected : JSON.readTree(TestData.path("video/expected.json").toFile())) {
        if (!expected.get("model").asText().equals(name)) continue;
        String what = name + " " + expected.get("case").asText() + " " + expected.get("method").asText();
        Report report = Asked.ask(model, question(golden, expected)).report();
        List<CutRecord> cuts = report.cuts();
        assertEquals(expected.get("cuts").size(), cuts.size(), what);
        for (int i = 0; i < cuts.size(); i++) {
          JsonNode cut = expected.get("cuts").get(i);
          assertEquals(cut.get("layer").asInt(), cuts.get(i).site().index(), what);
          assertArrayEquals(JSON.convertValue(cut.get("kept"), int[].class), cuts.get(i).kept(), what + " cut " + i);
        }
        float[] logits = report.firstLogits();
        assertEquals(expected.get("top").asInt(), Vectors.argmax(logits), what);
        for (int i = 0; i < expected.get("logits").size(); i++) {
          assertEquals(expected.get("logits").get(i).asDouble(), logits[16 * i], 2e-4, what + " logit " + 16 * i);
        }
        compared++;
      }
    }
    assertTrue(compared >= 4, "compared: " + compared);
  }

  private static Question question(JsonNode golden, JsonNode expected) {
    for (JsonNode one : golden.get("cases")) {
      if (!one.get("id").equals(expected.get("case"))) continue;
      Question question = Question.of(one.get("prompt").asText()).raw().maxTokens(1).method(expected.get("method").asText());
      if (expected.get("method").asText().equals("pyramiddrop")) question.set("layers", "1,2,3");
      for (JsonNode video : one.get("videos")) {
        List<Path> frames = new ArrayList<>();
        video.forEach(frame -> frames.add(TestData.path("parity/" + frame.asText())));
        question.video(frames);
      }
      return question;
    }
    throw new IllegalArgumentException(expected.toString());
  }
}
