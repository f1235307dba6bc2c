package dev.winnow.checkpoint;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.winnow.InvalidInputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The tokenizer of a tokenizer.json, by the library that defines that format.
 *
 * <p>Control tokens reach the library under secret names (see {@link SecretNames}): the prompt stays one string, so every
 * rule of the tokenizer about neighbours and beginnings applies as published, yet nothing that a user can type is special.
 */
final class HubTokenizer implements Tokenizer {
  /** Stands before a continuation, so that its first token is not treated as the beginning of a text. */
  private static final PromptPiece ANCHOR = new PromptPiece.Text(".");

  private final HuggingFaceTokenizer library;
  private final SecretNames names;
  private final String imageName;
  private final String videoName;
  private final int vocabulary;
  private final int imageId;
  private final int videoId;
  private final Pattern placeholder;

  private HubTokenizer(HuggingFaceTokenizer library, SecretNames names, SpecialTokens tokens, ModelConfig config) {
    this.library = library;
    this.names = names;
    this.vocabulary = config.text().vocab();
    this.imageId = config.imageTokenId();
    this.videoId = config.videoTokenId();
    this.imageName = names.of(tokens.imageToken());
    this.videoName = names.of(tokens.videoToken());
    String image = Pattern.quote(tokens.imageToken());
    this.placeholder = Pattern.compile(videoId < 0 ? image : image + "|(" + Pattern.quote(tokens.videoToken()) + ")");
  }

  /** Throws InvalidInputException if the folder has no tokenizer.json or a damaged one. */
  static HubTokenizer open(Path folder, SpecialTokens tokens, ModelConfig config) {
    Path file = folder.resolve("tokenizer.json");
    SecretNames names = SecretNames.in(TokenizerLibrary.definition(file), tokens);
    return new HubTokenizer(TokenizerLibrary.open(file, names), names, tokens, config);
  }

  @Override public int[] encode(List<PromptPiece> pieces) { return encode(pieces, true); }

  @Override public int[] encodeContinuation(List<PromptPiece> pieces) {
    int[] anchor = encode(List.of(ANCHOR), false);
    List<PromptPiece> anchored = new ArrayList<>(List.of(ANCHOR));
    anchored.addAll(pieces);
    int[] ids = encode(anchored, false);
    boolean apart = ids.length >= anchor.length && Arrays.equals(ids, 0, anchor.length, anchor, 0, anchor.length);
    return apart ? Arrays.copyOfRange(ids, anchor.length, ids.length) : encode(pieces, false);
  }

  /**
   * A placeholder that the vocabulary lacks cannot be part of the string: then the text between placeholders is encoded
   * chunk by chunk, as the original LLaVA code does.
   */
  private int[] encode(List<PromptPiece> pieces, boolean begin) {
    int[] ids = new int[0];
    StringBuilder text = new StringBuilder();
    boolean first = begin;
    for (PromptPiece piece : pieces) {
      if (piece instanceof PromptPiece.Control control) {
        text.append(names.hide(TokenizerLibrary.checked(control.text())));
      } else if (piece instanceof PromptPiece.Text user) {
        text.append(TokenizerLibrary.checked(user.text()));
      } else {
        boolean image = piece instanceof PromptPiece.Image;
        if (!image && videoId < 0) throw new InvalidInputException("this model reads no videos: give its frames as images");
        String name = image ? imageName : videoName;
        if (name != null) {
          text.append(name);
        } else {
          ids = concat(ids, encode(text.toString(), first));
          ids = concat(ids, new int[] {image ? imageId : videoId});
          text.setLength(0);
          first = false;
        }
      }
    }
    return concat(ids, encode(text.toString(), first));
  }

  private int[] encode(String text, boolean begin) {
    if (text.isEmpty() && !begin) return new int[0];
    int[] ids = Arrays.stream(library.encode(text, begin, false).getIds()).mapToInt(Math::toIntExact).toArray();
    for (int id : ids) {
      if (id >= vocabulary && id != imageId && id != videoId) {
        throw new InvalidInputException("the prompt has token " + decode(new int[] {id}, false) + " with id " + id
            + ", but the model knows " + vocabulary + " tokens: tokenizer.json belongs to another model");
      }
    }
    return ids;
  }

  @Override public List<PromptPiece> rawPrompt(String prompt) {
    List<PromptPiece> pieces = new ArrayList<>();
    Matcher matcher = placeholder.matcher(prompt);
    int done = 0;
    while (matcher.find()) {
      if (matcher.start() > done) pieces.add(new PromptPiece.Control(prompt.substring(done, matcher.start())));
      pieces.add(matcher.groupCount() > 0 && matcher.group(1) != null ? new PromptPiece.Video() : new PromptPiece.Image());
      done = matcher.end();
    }
    if (done < prompt.length()) pieces.add(new PromptPiece.Control(prompt.substring(done)));
    return pieces;
  }

  @Override public String decode(int[] ids, boolean skipSpecial) {
    long[] known = Arrays.stream(ids).filter(id -> id >= 0).asLongStream().toArray();
    return names.reveal(library.decode(known, skipSpecial));
  }

  @Override public StreamDecoder stream() { return new StreamDecoder(ids -> decode(ids, true), names::isText, names::isByte); }

  @Override public void close() { library.close(); }

  private static int[] concat(int[] a, int[] b) {
    int[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }
}
