package dev.winnow.conform;

import dev.winnow.checkpoint.ChatMessage;
import dev.winnow.checkpoint.PromptPiece;
import dev.winnow.checkpoint.Weights;
import dev.winnow.decoder.StepObserver;
import dev.winnow.engine.Answer;
import dev.winnow.engine.Model;
import dev.winnow.engine.Prompt;
import dev.winnow.engine.Question;
import dev.winnow.engine.SequenceRun;
import dev.winnow.engine.Session;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import dev.winnow.kernels.Vectors;
import dev.winnow.prune.Plan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** One conversation of a parity file, from the prompt's text to the generated text. */
final class ParityCase {
  private static final double LOGITS = 2e-4;
  private static final double ATTENTION = 5e-5;
  private static final double BFLOAT16_LOGITS = 0.3;

  private final Model model;
  private final Path base;
  private final CaseNode oneCase;
  private final Weights tensors;
  private final Check check;
  private final boolean exact;

  ParityCase(Model model, Path base, CaseNode oneCase, Weights tensors, Check check) {
    this.model = model;
    this.base = base;
    this.oneCase = oneCase;
    this.tensors = tensors;
    this.check = check;
    this.exact = model.dtype() == Dtype.FLOAT32;
  }

  static Check newCheck() { return new Check(ParityVisuals.FEATURES, 0, 1e-4); }

  void run() {
    try (PointerScope scope = new PointerScope()) {
      int[] ids = prompt();
      ParityVisuals visuals = new ParityVisuals(model, base, oneCase, check);
      List<Tensor> rows = new ArrayList<>(visuals.images(scope));
      int images = rows.size();
      rows.addAll(visuals.videos(scope));
      Prompt prompt = Prompt.assemble(ids, model.config(), rows, images, 0, model.decoder());
      check.same("input_length", (int) prompt.rows().size(0), oneCase.get("input_length").asInt());
      generate(prompt);
      if (exact) ask();
    }
  }

  private int[] prompt() {
    if (oneCase.has("messages")) {
      List<PromptPiece> pieces = model.chatFormat().prompt(messages());
      check.same("prompt", PromptPiece.render(pieces), oneCase.get("prompt").asText());
      check.ints("prompt_ids", model.tokenizer().encode(pieces), oneCase.get("prompt_ids"));
    }
    int[] ids = model.tokenizer().encode(model.tokenizer().rawPrompt(oneCase.get("prompt").asText()));
    check.ints("prompt_ids, as a raw prompt", ids, oneCase.get("prompt_ids"));
    return ids;
  }

  private List<ChatMessage> messages() {
    List<ChatMessage> messages = new ArrayList<>();
    for (CaseNode message : oneCase.get("messages")) {
      int images = 0;
      int videos = 0;
      List<String> texts = new ArrayList<>();
      for (CaseNode part : message.get("content")) {
        switch (part.get("type").asText()) {
          case "image" -> images++;
          case "video" -> videos++;
          default -> texts.add(part.get("text").asText());
        }
      }
      ChatMessage.Role role = ChatMessage.Role.valueOf(message.get("role").asText().toUpperCase(Locale.ROOT));
      messages.add(new ChatMessage(role, images, videos, texts));
    }
    return messages;
  }

  private void generate(Prompt prompt) {
    CaseNode greedy = oneCase.get("greedy");
    int steps = greedy.get("ids").size();
    try (SequenceRun run = new SequenceRun(model.decoder())) {
      run.prompt(prompt.rows(), prompt.segments(), 0, Plan.NONE, steps);
      PromptProbe probe = new PromptProbe(model.decoder(), run.sequence(), tensors, oneCase.get("id").asText());
      float[] logits = SequenceRun.advance(model.decoder(), List.of(run), exact ? probe : StepObserver.NONE)[0];
      if (!exact) {
        bfloat16(logits);
        return;
      }
      tensor("logits", logits, LOGITS);
      tensor("last_hidden", probe.lastHidden(), 1e-4);
      tensor("layers_last_position", probe.layersLastPosition(), ParityVisuals.FEATURES);
      probe.attentionRows().forEach((name, row) -> tensor(name, row, ATTENTION));
      ParityVisuals.summary(check, "logits_all_positions", probe.allLogits(), oneCase.get("logits_all_positions"), LOGITS);
      int[] ids = new int[steps];
      for (int i = 0; i < steps; i++) {
        ids[i] = Vectors.argmax(logits);
        check.close("greedy.max_logit[" + i + "]", logits[ids[i]], greedy.get("max_logit").get(i).asDouble(), LOGITS);
        if (i + 1 < steps) {
          run.token(ids[i]);
          logits = SequenceRun.advance(model.decoder(), List.of(run), StepObserver.NONE)[0];
        }
      }
      check.ints("greedy.ids", ids, greedy.get("ids"));
      check.same("greedy.text", model.tokenizer().decode(ids, true), greedy.get("text").asText());
      check.same("greedy.text_with_special", model.tokenizer().decode(ids, false), greedy.get("text_with_special").asText());
    }
  }

  /** In bfloat16 every step may round otherwise: close logits, or nearly the same direction. */
  private void bfloat16(float[] logits) {
    float[] wanted = Tensors.toFloats(tensors.get(oneCase.get("id").asText() + "/logits_bf16"));
    double dot = 0;
    double a = 0;
    double b = 0;
    double off = 0;
    for (int i = 0; i < wanted.length; i++) {
      dot += (double) logits[i] * wanted[i];
      a += (double) logits[i] * logits[i];
      b += (double) wanted[i] * wanted[i];
      off = Math.max(off, Math.abs(logits[i] - wanted[i]));
    }
    double cosine = dot / Math.sqrt(a * b);
    check.close("logits_bf16", cosine > 0.999 ? 0 : off, 0, BFLOAT16_LOGITS);
  }

  /** The same question through a session, which ends at the end-of-sequence token. */
  private void ask() {
    CaseNode greedy = oneCase.get("greedy");
    Question question = Question.of(oneCase.get("prompt").asText()).raw().maxTokens(greedy.get("ids").size());
    oneCase.get("images").forEach(image -> question.image(base.resolve(image.asText())));
    ParityVisuals.videos(oneCase, base).forEach(video -> question.video(video.frames()));
    try (Session session = model.newSession()) {
      Answer answer = session.ask(question);
      CaseNode end = greedy.get("first_eos");
      int length = end.isNull() ? greedy.get("ids").size() : end.asInt();
      check.same("session ids", Arrays.stream(answer.ids()).boxed().toList(),
          Arrays.stream(TensorSpec.ints(greedy.get("ids"))).limit(length).boxed().toList());
      check.same("session finish", answer.finish(), end.isNull() ? Answer.Finish.LENGTH : Answer.Finish.STOP);
      check.same("session text", answer.text(), greedy.get("text_until_eos").asText());
    }
  }

  private void tensor(String name, float[] got, double tolerance) {
    String key = oneCase.get("id").asText() + "/" + name;
    if (!tensors.has(key)) return;
    float[] wanted = Tensors.toFloats(tensors.get(key));
    check.same(name + ".size", got.length, wanted.length);
    for (int i = 0; i < Math.min(got.length, wanted.length); i++) {
      check.close(name + "[" + i + "]", got[i], wanted[i], ParityVisuals.allowed(tolerance, wanted[i]));
    }
  }
}
