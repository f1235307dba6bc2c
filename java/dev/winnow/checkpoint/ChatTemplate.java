package dev.winnow.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the text of a checkpoint's chat template, which four kinds of files may hold. */
final class ChatTemplate {
  private static final long LARGEST = 1 << 20;

  private ChatTemplate() {}

  /** The template, or null if the folder has none. */
  static String find(Path folder) {
    Path jinja = folder.resolve("chat_template.jinja");
    try {
      if (Files.isRegularFile(jinja)) {
        if (Files.size(jinja) > LARGEST) throw new InvalidInputException(jinja + " is larger than 1 MB: not a chat template");
        return Files.readString(jinja);
      }
    } catch (IOException e) {
      throw new InvalidInputException(jinja + " cannot be read: " + JsonFile.firstLine(e.getMessage()), e);
    }
    for (String file : new String[] {"chat_template.json", "processor_config.json", "tokenizer_config.json"}) {
      JsonNode template = JsonFile.readIfThere(folder.resolve(file)).node().path("chat_template");
      if (template.isTextual()) return template.textValue();
      // several templates under names: the one for plain chat
      for (JsonNode named : template) {
        if (named.path("name").asText().equals("default") && named.path("template").isTextual()) return named.get("template").textValue();
      }
    }
    return null;
  }
}
