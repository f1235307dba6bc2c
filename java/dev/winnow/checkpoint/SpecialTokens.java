package dev.winnow.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What a checkpoint's tokenizer files say about single tokens, read without building the tokenizer.
 *
 * @param added id by content of every added token of tokenizer.json; empty if there is no such file
 * @param imageToken text of the image placeholder
 * @param videoToken text of the video placeholder
 * @param eosToken text of the end-of-sequence token; null if none is named
 */
record SpecialTokens(Map<String, Integer> added, String imageToken, String videoToken, String eosToken) {
  /** Far above any vocabulary. */
  static final int LARGEST_ID = 1 << 24;

  static SpecialTokens read(Path folder) {
    Map<String, Integer> added = new LinkedHashMap<>();
    JsonFile tokenizer = JsonFile.readIfThere(folder.resolve("tokenizer.json"));
    for (JsonNode token : tokenizer.node().path("added_tokens")) {
      int id = token.path("id").asInt(-1);
      if (!token.path("content").isTextual() || id < 0 || id > LARGEST_ID) {
        throw tokenizer.wrong("added_tokens", "has an entry without content or with an impossible id");
      }
      added.put(token.get("content").textValue(), id);
    }
    JsonFile processor = JsonFile.readIfThere(folder.resolve("processor_config.json"));
    String eos = content(JsonFile.readIfThere(folder.resolve("tokenizer_config.json")).node().path("eos_token"));
    if (eos == null) eos = content(JsonFile.readIfThere(folder.resolve("special_tokens_map.json")).node().path("eos_token"));
    return new SpecialTokens(added, processor.text("image_token", "<image>"), processor.text("video_token", "<video>"), eos);
  }

  /** A special token is written as its text or as an object with the text in "content". */
  private static String content(JsonNode token) {
    JsonNode text = token.isObject() ? token.path("content") : token;
    return text.isTextual() ? text.textValue() : null;
  }

  OptionalInt eosId() {
    Integer id = eosToken == null ? null : added.get(eosToken);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }
}
