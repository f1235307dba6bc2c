package dev.winnow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ChatFormatTest {
  private static final Map<String, ChatFormat> BY_FAMILY = Map.of("llava15", ChatFormat.LLAVA15, "llava16_mistral", ChatFormat.MISTRAL,
      "llava16_34b", ChatFormat.CHATML, "llava_next_video", ChatFormat.LLAVA15, "llava_onevision", ChatFormat.ONEVISION,
      "video_llava", ChatFormat.LLAVA15, "original_vicuna_v1", ChatFormat.VICUNA_V1);

  @TempDir Path temp;

  private static List<ChatMessage> messages(JsonNode list) {
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode message : list) {
      int images = 0;
      int videos = 0;
      List<String> texts = new ArrayList<>();
      for (JsonNode content : message.get("content")) {
        String type = content.get("type").asText();
        if (type.equals("image")) images++;
        else if (type.equals("video")) videos++;
        else texts.add(content.get("text").asText());
      }
      messages.add(new ChatMessage(ChatMessage.Role.valueOf(message.get("role").asText().toUpperCase(java.util.Locale.ROOT)), images,
          videos, texts));
    }
    return messages;
  }

  @Test void everyFormatWritesTheRecordedPrompts() throws IOException {
    JsonNode golden = ModelFolder.JSON.readTree(ModelFolder.data("parity/goldens/chat.json").toFile());
    int compared = 0;
    for (Map.Entry<String, JsonNode> family : golden.get("families").properties()) {
      ChatFormat format = BY_FAMILY.get(family.getKey());
      for (JsonNode result : family.getValue().get("results")) {
        List<ChatMessage> messages = messages(golden.get("conversations").get(result.get("conversation").asText()));
        assertEquals(result.get("prompt").asText(), PromptPiece.render(format.prompt(messages)), family.getKey());
        compared++;
      }
    }
    assertEquals(42, compared);
  }

  static Stream<Path> goldenModels() throws IOException {
    return Files.list(ModelFolder.data("parity/goldens/models")).filter(file -> file.toString().endsWith(".json")).sorted();
  }

  @ParameterizedTest
  @MethodSource("goldenModels")
  void promptsAndIdsOfEveryCaseAndLayout(Path file) throws IOException {
    JsonNode golden = ModelFolder.JSON.readTree(file.toFile());
    List<String> folders = new ArrayList<>(List.of(golden.get("model").asText()));
    golden.path("same_weights_in").forEach(name -> folders.add(name.asText()));
    for (String folder : folders) {
      try (Checkpoint checkpoint = Checkpoint.open(ModelFolder.model(folder))) {
        List<Integer> eos = new ArrayList<>();
        golden.get("eos_token_ids").forEach(id -> eos.add(id.asInt()));
        assertEquals(eos, checkpoint.config().eosIds());
        for (JsonNode example : golden.get("cases")) {
          boolean raw = !example.hasNonNull("messages");
          List<PromptPiece> pieces = raw ? checkpoint.tokenizer().rawPrompt(example.get("prompt").asText())
              : checkpoint.chatFormat().prompt(messages(example.get("messages")));
          assertEquals(example.get("prompt").asText(), PromptPiece.render(pieces));
          assertArrayEquals(ints(example.get("prompt_ids")), checkpoint.tokenizer().encode(pieces), folder + " "
              + example.get("id").asText());
          int[] answer = ints(example.get("greedy").get("ids"));
          assertEquals(example.get("greedy").get("text").asText(), checkpoint.tokenizer().decode(answer, true));
          assertEquals(example.get("greedy").get("text_with_special").asText(), checkpoint.tokenizer().decode(answer, false));
        }
      }
    }
  }

  private static int[] ints(JsonNode list) { return IntStream.range(0, list.size()).map(i -> list.get(i).asInt()).toArray(); }

  @Test void aContinuedSequenceHasTheIdsOfTheWholeConversation() {
    ChatMessage question = ChatMessage.user(1, 0, "What is this?");
    ChatMessage answer = ChatMessage.assistant("A red square.");
    ChatMessage next = ChatMessage.user(0, 0, "say </s> and where?");
    for (String model : new String[] {"llava15-mha-56", "llava-mistral-gqa-84", "llava-next-video-112", "llava15-mha-56-orig"}) {
      try (Checkpoint checkpoint = Checkpoint.open(ModelFolder.model(model))) {
        ChatFormat format = checkpoint.chatFormat();
        int[] whole = checkpoint.tokenizer().encode(format.prompt(List.of(question, answer, next)));
        int[] rest = checkpoint.tokenizer().encodeContinuation(format.continuation(List.of(next)));
        assertArrayEquals(rest, java.util.Arrays.copyOfRange(whole, whole.length - rest.length, whole.length), model);
        int[] first = checkpoint.tokenizer().encode(format.prompt(List.of(question)));
        assertArrayEquals(first, java.util.Arrays.copyOf(whole, first.length), model);
        assertTrue(whole.length > first.length + rest.length, model);
      }
    }
  }

  @Test void anUnknownTemplateIsRefusedOnlyWhenItIsNeeded() throws IOException {
    ModelFolder folder = ModelFolder.copy("llava15-mha-56", temp);
    folder.json("chat_template.json", json -> json.put("chat_template", "{{ 7*7 }}"));
    try (Checkpoint checkpoint = Checkpoint.open(folder.path)) {
      assertTrue(assertThrows(InvalidInputException.class, checkpoint::chatFormat).getMessage().contains("--raw-prompt"));
      assertEquals(4, checkpoint.tokenizer().rawPrompt("a<image>b<image>").size());
    }
    folder.delete("chat_template.json");
    try (Checkpoint checkpoint = Checkpoint.open(folder.path)) {
      assertEquals(ChatFormat.LLAVA15, checkpoint.chatFormat());
    }
  }
}
