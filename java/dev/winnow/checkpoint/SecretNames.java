package dev.winnow.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A tokenizer definition in which every control token bears a name that nobody can guess, as the boundary of a multipart
 * message does. The chat format's own control strings are translated into these names; a user's {@code </s>} or
 * {@code <image>} then is what it looks like, text. Ids and all rules stay as they are. The names are drawn at random and never
 * appear in any result.
 */
final class SecretNames {
  private static final Pattern BYTE = Pattern.compile("<0x[0-9A-F]{2}>");

  private final byte[] definition;
  private final Map<String, String> secretByName = new HashMap<>();
  private final Map<String, String> nameBySecret = new HashMap<>();
  private final BitSet textIds = new BitSet();
  private final BitSet byteIds = new BitSet();
  private final Pattern anyName;
  private final Pattern anySecret;

  private SecretNames(JsonFile tokenizer, SpecialTokens tokens) {
    ObjectNode root = (ObjectNode) tokenizer.node();
    String nonce = UUID.randomUUID().toString();
    boolean bytes = root.path("decoder").toString().contains("\"ByteFallback\"");
    collectIds(root.path("model").path("vocab"), bytes);
    for (JsonNode token : root.path("added_tokens")) {
      String name = token.get("content").textValue();
      boolean special = token.path("special").asBoolean(false);
      textIds.set(token.get("id").intValue(), !special);
      if (!special && !name.equals(tokens.imageToken()) && !name.equals(tokens.videoToken())) continue;
      // private-use characters at both ends: no tokenizer normalises, splits or strips them
      String secret = String.format(Locale.ROOT, "\uE5C3%s-%06d\uE5C4", nonce, secretByName.size());
      secretByName.put(name, secret);
      nameBySecret.put(secret, name);
      ((ObjectNode) token).put("content", secret);
    }
    if (root.path("model").isObject()) renameVocabulary((ObjectNode) root.get("model"));
    root.putNull("truncation");
    root.putNull("padding");
    definition = root.toString().getBytes(StandardCharsets.UTF_8);
    // the longest name wins where several begin at one place, as in the library
    anyName = alternatives(secretByName.keySet());
    anySecret = alternatives(nameBySecret.keySet());
  }

  static SecretNames in(JsonFile tokenizer, SpecialTokens tokens) { return new SecretNames(tokenizer, tokens); }

  /** tokenizer.json with the secret names, without truncation and padding, UTF-8. */
  byte[] definition() { return definition; }

  /** Secret name of a control token; null if the vocabulary has no such token. */
  String of(String name) { return secretByName.get(name); }

  /** A text of the chat format with its control tokens under their secret names. */
  String hide(String text) { return replace(anyName, text, secretByName::get); }

  /** A decoded text with the published names of its control tokens. */
  String reveal(String text) { return replace(anySecret, text, nameBySecret::get); }

  /** Whether an id stands for text: it is in the vocabulary and no special token. */
  boolean isText(int id) { return id >= 0 && textIds.get(id); }

  /** Whether an id stands for one byte of a character that the vocabulary lacks. */
  boolean isByte(int id) { return byteIds.get(id); }

  /** Control tokens often stand in the model's own vocabulary too, under the same id; both entries must agree. */
  private void renameVocabulary(ObjectNode model) {
    JsonNode vocabulary = model.path("vocab");
    if (vocabulary.isObject()) {
      ObjectNode renamed = JsonNodeFactory.instance.objectNode();
      vocabulary.properties().forEach(entry -> renamed.set(secretByName.getOrDefault(entry.getKey(), entry.getKey()), entry.getValue()));
      model.set("vocab", renamed);
    } else if (vocabulary.isArray()) {
      for (JsonNode entry : vocabulary) {
        String secret = entry.path(0).isTextual() ? secretByName.get(entry.get(0).textValue()) : null;
        if (secret != null) ((ArrayNode) entry).set(0, TextNode.valueOf(secret));
      }
    }
    String unknown = model.path("unk_token").asText("");
    if (secretByName.containsKey(unknown)) model.put("unk_token", secretByName.get(unknown));
  }

  /** A vocabulary is an object of ids by token, or a list of pairs of token and score in the order of ids. */
  private void collectIds(JsonNode vocabulary, boolean bytes) {
    if (vocabulary.isObject()) vocabulary.properties().forEach(entry -> collectId(entry.getKey(), entry.getValue().asInt(-1), bytes));
    else for (int id = 0; id < vocabulary.size(); id++) collectId(vocabulary.get(id).path(0).asText(""), id, bytes);
  }

  private void collectId(String token, int id, boolean bytes) {
    if (id < 0 || id > SpecialTokens.LARGEST_ID) return;
    textIds.set(id);
    if (bytes && BYTE.matcher(token).matches()) byteIds.set(id);
  }

  private static Pattern alternatives(Set<String> texts) {
    if (texts.isEmpty()) return null;
    return Pattern.compile(texts.stream()
        .sorted(Comparator.comparingInt(String::length).reversed())
        .map(Pattern::quote)
        .collect(Collectors.joining("|")));
  }

  private static String replace(Pattern pattern, String text, UnaryOperator<String> by) {
    return pattern == null ? text : pattern.matcher(text).replaceAll(match -> Matcher.quoteReplacement(by.apply(match.group())));
  }
}
