package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;
import java.util.ArrayList;
import java.util.List;

/**
 * How a model was taught to see a conversation. The LLaVA family has a handful of formats, each a few fixed strings around
 * the messages, so none needs a template language (and no text of a user can be a program in it).
 *
 * <p>A message becomes: {@code before}, each image and video followed by {@code afterVisual}, each text between
 * {@code beforeText} and {@code afterText}, {@code after}. A prompt ends with {@code generation}, where the model goes on.
 *
 * @param name name of the format
 * @param defaultSystem system message of a conversation that brings none; null for none
 */
public record ChatFormat(String name, String defaultSystem, Frame system, Frame user, Frame assistant,
    String afterVisual, String beforeText, String afterText, String generation) {

  /** What stands before and after the messages of one speaker. */
  public record Frame(String before, String after) {}

  /** llava-hf 1.5, LLaVA-NeXT with Vicuna, LLaVA-NeXT-Video, Video-LLaVA. */
  public static final ChatFormat LLAVA15 = new ChatFormat("llava15", null,
      new Frame("", ""), new Frame("USER: ", ""), new Frame("ASSISTANT: ", ""),
      "\n", "", " ", "ASSISTANT:");

  /** The original code's vicuna_v1. */
  public static final ChatFormat VICUNA_V1 = new ChatFormat("vicuna_v1",
      "A chat between a curious user and an artificial intelligence assistant. "
          + "The assistant gives helpful, detailed, and polite answers to the user's questions.",
      new Frame("", " "), new Frame("USER: ", " "), new Frame("ASSISTANT: ", "</s>"), "\n", "", "", "ASSISTANT:");

  /** LLaVA-NeXT with Mistral. The published template really writes {@code <\s>}, which is plain text. */
  public static final ChatFormat MISTRAL = new ChatFormat("mistral", null, new Frame("<<SYS>>\n", "\n<</SYS>>\n\n"),
      new Frame("[INST] ", " [/INST]"), new Frame(" ", "<\\s> "), "\n", "", "", "");

  /** LLaVA-NeXT with Yi-34B. */
  public static final ChatFormat CHATML = new ChatFormat("chatml", null, new Frame("<|im_start|>system\n", "<|im_end|>\n"),
      new Frame("<|im_start|>user\n", "<|im_end|>\n"), new Frame("<|im_start|>assistant\n", "<|im_end|>\n"),
      "\n", "", "", "<|im_start|>assistant\n");

  /** LLaVA-OneVision. */
  public static final ChatFormat ONEVISION = new ChatFormat("onevision", null, new Frame("<|im_start|>system ", "<|im_end|>"),
      new Frame("<|im_start|>user ", "<|im_end|>"), new Frame("<|im_start|>assistant ", "<|im_end|>"),
      "", "\n", "", "<|im_start|>assistant\n");

  /**
   * The format that a checkpoint's chat template describes, or, without a template, the one of its family.
   *
   * @param template text of the template; null if the checkpoint has none
   */
  static ChatFormat of(ModelConfig config, String template) {
    if (config.originalLayout()) return VICUNA_V1;
    if (template == null) return config.family().equals("llava_onevision") ? ONEVISION : LLAVA15;
    if (template.contains("'[INST] '") && template.contains("[/INST]")) return MISTRAL;
    if (template.contains("'<|im_start|>' + message['role'] + ' '")) return ONEVISION;
    if (template.contains("'<|im_start|>' + message['role'] + '\\n'")) return CHATML;
    if (template.contains("message['role'].upper() + ': '") && template.contains("'ASSISTANT:'")) return LLAVA15;
    throw new InvalidInputException("the checkpoint's chat template is none of the known ones (llava15, mistral, chatml, onevision): "
        + "write the prompt out and ask with --raw-prompt");
  }

  /** The prompt of a whole conversation that the model has to answer. */
  public List<PromptPiece> prompt(List<ChatMessage> messages) {
    Writer writer = new Writer();
    boolean ownSystem = !messages.isEmpty() && messages.get(0).role() == ChatMessage.Role.SYSTEM;
    if (defaultSystem != null && !ownSystem) writer.control(system.before() + beforeText + defaultSystem + afterText + system.after());
    messages.forEach(writer::message);
    writer.control(generation);
    return writer.done();
  }

  /**
   * What follows an answer that the model has just given after {@link #prompt} (its end token is not part of the sequence): the
   * end of that message and the next messages.
   */
  public List<PromptPiece> continuation(List<ChatMessage> messages) {
    Writer writer = new Writer();
    writer.control(afterText + assistant.after());
    messages.forEach(writer::message);
    writer.control(generation);
    return writer.done();
  }

  private final class Writer {
    private final List<PromptPiece> pieces = new ArrayList<>();
    private final StringBuilder control = new StringBuilder();

    void control(String text) { control.append(text); }

    void message(ChatMessage message) {
      Frame frame = message.role() == ChatMessage.Role.SYSTEM ? system : message.role() == ChatMessage.Role.USER ? user : assistant;
      control(frame.before());
      for (int i = 0; i < message.images(); i++) {
        piece(new PromptPiece.Image());
        control(afterVisual);
      }
      for (int i = 0; i < message.videos(); i++) {
        piece(new PromptPiece.Video());
        control(afterVisual);
      }
      for (String text : message.texts()) {
        control(beforeText);
        if (!text.isEmpty()) piece(new PromptPiece.Text(text));
        control(afterText);
      }
      control(frame.after());
    }

    private void piece(PromptPiece piece) {
      flush();
      pieces.add(piece);
    }

    private void flush() {
      if (control.length() > 0) pieces.add(new PromptPiece.Control(control.toString()));
      control.setLength(0);
    }

    List<PromptPiece> done() {
      flush();
      return List.copyOf(pieces);
    }
  }
}
