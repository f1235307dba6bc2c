package dev.winnow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
  private static final ModelConfig CONFIG = config(648);

  private static ModelConfig config(int vocabulary) {
    TextConfig text = new TextConfig(32, 48, 1, 2, 2, 16, vocabulary, 1e-5, RopeConfig.plain(1e4), 4096, false, false);
    return new ModelConfig("llava", false, "float32", text, null, "gelu", true, 638, -1, 0, List.of(2), "", List.of());
  }

  private static Tokenizer open(String kind) {
    Path folder = ModelFolder.data("parity/goldens/tokenizer/" + kind);
    return HubTokenizer.open(folder, SpecialTokens.read(folder), CONFIG);
  }

  private static JsonNode golden(String kind) throws IOException {
    return ModelFolder.JSON.readTree(ModelFolder.data("parity/goldens/tokenizer/" + kind + ".json").toFile());
  }

  private static int[] ints(JsonNode list) { return IntStream.range(0, list.size()).map(i -> list.get(i).asInt()).toArray(); }

  private static String start(JsonNode entry) {
    String text = entry.get("text").asText();
    return text.substring(0, Math.min(text.length(), 60));
  }

  private static List<PromptPiece> control(String text) { return List.of(new PromptPiece.Control(text)); }

  @ParameterizedTest
  @ValueSource(strings = {"llama_legacy", "llama_meta", "llama_plain", "qwen"})
  void controlTextEncodesAndDecodesAsTheReference(String kind) throws IOException {
    try (Tokenizer tokenizer = open(kind)) {
      for (JsonNode entry : golden(kind).get("encode")) {
        int[] ids = ints(entry.get("ids"));
        assertArrayEquals(ids, tokenizer.encode(control(entry.get("text").asText())), start(entry));
        assertEquals(entry.get("decode").asText(), tokenizer.decode(ids, false));
        assertEquals(entry.get("decode_skip_special").asText(), tokenizer.decode(ids, true));
      }
      for (JsonNode entry : golden(kind).get("decode")) {
        int[] ids = ints(entry.get("ids"));
        assertEquals(entry.get("decode").asText(), tokenizer.decode(ids, false), entry.toString());
        assertEquals(entry.get("decode_skip_special").asText(), tokenizer.decode(ids, true), entry.toString());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama_legacy", "llama_meta", "llama_plain", "qwen"})
  void userTextIsNeverSpecialAndOtherwiseTheSame(String kind) throws IOException {
    JsonNode golden = golden(kind);
    List<Integer> special = new ArrayList<>();
    golden.get("special_ids").forEach(id -> special.add(id.asInt()));
    try (Tokenizer tokenizer = open(kind)) {
      for (JsonNode entry : golden.get("encode")) {
        String text = entry.get("text").asText();
        int[] ids = tokenizer.encode(List.of(new PromptPiece.Text(text)));
        int begin = kind.equals("qwen") ? 0 : 1;
        assertFalse(IntStream.range(begin, ids.length).anyMatch(i -> special.contains(ids[i])), start(entry));
        boolean typedSpecial = IntStream.of(ints(entry.get("ids_no_special"))).anyMatch(special::contains);
        if (!typedSpecial) assertArrayEquals(ints(entry.get("ids")), ids, start(entry));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama_legacy", "llama_meta", "llama_plain", "qwen"})
  void chunksOfAnyIdsJoinToTheWholeText(String kind) throws IOException {
    Random random = new Random(7);
    try (Tokenizer tokenizer = open(kind)) {
      for (JsonNode entry : golden(kind).get("encode")) assertStreams(tokenizer, ints(entry.get("ids")));
      for (JsonNode entry : golden(kind).get("decode")) assertStreams(tokenizer, ints(entry.get("ids")));
      for (int round = 0; round < 200; round++) assertStreams(tokenizer, random.ints(1 + random.nextInt(24), 0, 650).toArray());
    }
  }

  private static void assertStreams(Tokenizer tokenizer, int[] ids) {
    StreamDecoder stream = tokenizer.stream();
    StringBuilder joined = new StringBuilder();
    for (int id : ids) {
      String chunk = stream.add(id);
      assertTrue(chunk.codePoints().noneMatch(c -> c >= 0xD800 && c < 0xE000), "half a surrogate pair in a chunk");
      joined.append(chunk);
    }
    joined.append(stream.finish());
    assertEquals(tokenizer.decode(ids, true), joined.toString());
  }

  @Test void anEmojiOfFourBytesComesWholeAndTextBeforeItAtOnce() {
    try (Tokenizer tokenizer = open("llama_legacy")) {
      StreamDecoder stream = tokenizer.stream();
      assertEquals("a", stream.add(448));
      assertEquals(" ", stream.add(332));
      for (int id : new int[] {243, 162, 155}) assertEquals("", stream.add(id));
      assertEquals("\uD83D\uDE00", stream.add(131) + stream.add(448).replace(" a", ""));
      StreamDecoder cut = tokenizer.stream();
      StringBuilder text = new StringBuilder();
      for (int id : new int[] {448, 332, 243, 162}) text.append(cut.add(id));
      assertEquals("a ", text.toString());
      assertEquals("\uFFFD\uFFFD", cut.finish());
      assertEquals("", cut.finish());
    }
  }

  @Test void typedPlaceholdersAndEndTokensAreText() {
    try (Tokenizer tokenizer = open("llama_legacy")) {
      int[] ids = tokenizer.encode(List.of(new PromptPiece.Control("USER: "), new PromptPiece.Image(), new PromptPiece.Control("\n"),
          new PromptPiece.Text("say </s> and <image> now"), new PromptPiece.Control(" ASSISTANT:")));
      assertArrayEquals(new int[] {1, 523, 332, 638, 332, 13, 324, 413, 332, 63, 267, 324, 65, 448, 360, 332, 63, 314, 476, 65, 332, 319,
          383, 539}, ids);
    }
  }

  @Test void rawPromptKeepsPlaceholdersAndSpecialTokens() {
    try (Tokenizer tokenizer = open("llama_legacy")) {
      String prompt = "USER: <image>\nsay </s> and <video> ASSISTANT:";
      List<PromptPiece> pieces = tokenizer.rawPrompt(prompt);
      assertEquals(1, pieces.stream().filter(piece -> piece instanceof PromptPiece.Image).count());
      assertArrayEquals(tokenizer.encode(control(prompt)), tokenizer.encode(pieces));
    }
  }

  @Test void thousandsOfTokensAreNotCut() {
    try (Tokenizer tokenizer = open("llama_meta")) {
      assertEquals(20_001, tokenizer.encode(List.of(new PromptPiece.Text("\n".repeat(20_000)))).length - 1);
    }
  }

  @Test void tokensThatTheModelLacksAreRefused() {
    Path folder = ModelFolder.data("parity/goldens/tokenizer/llama_legacy");
    try (Tokenizer small = HubTokenizer.open(folder, SpecialTokens.read(folder), config(638))) {
      assertEquals(4, small.encode(control("<image>\n")).length);
      String message = assertThrows(InvalidInputException.class, () -> small.encode(control("<pad>"))).getMessage();
      assertTrue(message.contains("<pad>") && message.contains("639") && message.contains("638"), message);
    }
  }

  @Test void halfASurrogatePairIsRefused() {
    try (Tokenizer tokenizer = open("qwen")) {
      for (String text : new String[] {"a\uD83D", "\uDE00b", "\uDE00\uD83D"}) {
        assertThrows(InvalidInputException.class, () -> tokenizer.encode(List.of(new PromptPiece.Text(text))));
      }
    }
  }
}
