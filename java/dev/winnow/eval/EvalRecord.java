package dev.winnow.eval;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.engine.Answer;
import dev.winnow.engine.Report;

/**
 * What one question got under one variant and budget; one line of the results file.
 *
 * @param variant label of the variant
 * @param budget tokens asked for, on average over the layers; -1 for the method's own settings
 * @param id of the question
 * @param refused why there is no answer: the method cannot meet the budget, or the picture cannot be read; null where there is one
 * @param text the answer
 * @param score 0 to 1
 * @param same whether the answer is that of the unpruned model, word for word
 * @param imageTokens tokens of the pictures before any cut
 * @param measured what was counted and timed
 */
record EvalRecord(String variant, int budget, String id, String refused, String text, double score, boolean same, int imageTokens,
    Measured measured) {
  static final int OWN_SETTINGS = -1;

  /**
   * @param entering image tokens that the first decoder layer sees
   * @param average image tokens that a decoder layer sees, averaged over the layers, at the end of the prompt
   * @param kvFull bytes that the cache would hold without cuts
   * @param kvHeld bytes that it holds
   * @param vision milliseconds of tower and projector
   * @param prefill milliseconds of the prompt in the decoder, pruning included
   * @param pruning milliseconds of pruning
   * @param decode milliseconds per generated token after the first; NaN where there was none
   * @param theoretical floating-point operations of the prompt without cuts, divided by those with them
   */
  record Measured(double entering, double average, double kvFull, double kvHeld, double vision, double prefill, double pruning,
      double decode, double theoretical) {
    static Measured of(Report report, int layers) {
      VisualTokens tokens = VisualTokens.of(report, layers);
      Report.Timing timing = report.timing();
      double decode = timing.decodedTokens() == 0 ? Double.NaN : timing.decode() / timing.decodedTokens();
      return new Measured(tokens.entering(), tokens.average(), report.kv().bytesFull(), report.kv().bytesHeld(), timing.vision(),
          timing.prompt(), timing.pruning(), decode, report.flops().speedup());
    }
  }

  static EvalRecord of(String variant, int budget, EvalItem item, Answer answer, String unpruned, int imageTokens, int layers) {
    boolean same = answer.text().strip().equals(unpruned.strip());
    return new EvalRecord(variant, budget, item.id(), null, answer.text(), item.score(answer.text()), same, imageTokens,
        Measured.of(answer.report(), layers));
  }

  static EvalRecord refused(String variant, int budget, String id, String reason) {
    return new EvalRecord(variant, budget, id, reason, "", Double.NaN, false, 0, null);
  }

  String key() { return key(variant, budget, id); }

  static String key(String variant, int budget, String id) { return variant + "\n" + budget + "\n" + id; }

  ObjectNode toJson() {
    ObjectNode node = Texts.object().put("method", variant);
    if (budget == OWN_SETTINGS) node.putNull("budget");
    else node.put("budget", budget);
    node.put("id", id);
    if (refused != null) return node.put("refused", refused);
    node.put("answer", text);
    Texts.number(node, "score", score);
    node.put("same_as_unpruned", same).put("image_tokens", imageTokens);
    Texts.number(node, "tokens_entering_llm", measured.entering);
    Texts.number(node, "tokens_average_over_layers", measured.average);
    Texts.number(node, "kv_bytes_full", measured.kvFull);
    Texts.number(node, "kv_bytes_held", measured.kvHeld);
    Texts.number(node, "vision_ms", measured.vision);
    Texts.number(node, "prefill_ms", measured.prefill);
    Texts.number(node, "pruning_ms", measured.pruning);
    Texts.number(node, "decode_ms_per_token", measured.decode);
    Texts.number(node, "theoretical_speedup", measured.theoretical);
    return node;
  }

  static EvalRecord read(JsonNode node, String where) {
    String variant = Texts.field(node, "method", where);
    int budget = node.path("budget").asInt(OWN_SETTINGS);
    String id = Texts.field(node, "id", where);
    if (node.hasNonNull("refused")) return refused(variant, budget, id, node.get("refused").asText());
    Measured measured = new Measured(
        Texts.number(node, "tokens_entering_llm"), Texts.number(node, "tokens_average_over_layers"),
        Texts.number(node, "kv_bytes_full"), Texts.number(node, "kv_bytes_held"),
        Texts.number(node, "vision_ms"), Texts.number(node, "prefill_ms"), Texts.number(node, "pruning_ms"),
        Texts.number(node, "decode_ms_per_token"), Texts.number(node, "theoretical_speedup"));
    return new EvalRecord(variant, budget, id, null, Texts.field(node, "answer", where), Texts.number(node, "score"),
        node.path("same_as_unpruned").asBoolean(), node.path("image_tokens").asInt(), measured);
  }
}
