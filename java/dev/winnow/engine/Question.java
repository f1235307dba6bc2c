package dev.winnow.engine;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Plan;
import dev.winnow.prune.PlanReader;
import dev.winnow.vision.ImageReader;
import dev.winnow.vision.RgbImage;
import dev.winnow.vision.Video;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Supplier;

/**
 * One turn of a user: pictures, videos, text, and how it is to be answered. Start with {@link #of} and add what differs from the
 * defaults: no pictures, no pruning, greedy, 256 tokens. Not thread-safe while it is being put together.
 */
public final class Question {
  public static final int DEFAULT_MAX_TOKENS = 256;

  private final String text;
  private final List<Supplier<RgbImage>> images = new ArrayList<>();
  private final List<Video> videos = new ArrayList<>();
  private final Map<String, String> settings = new LinkedHashMap<>();
  private boolean raw;
  private Method method = Methods.named("none");
  private Plan plan;
  private PlanReader planFile;
  private OptionalInt budget = OptionalInt.empty();
  private Sampling sampling = Sampling.GREEDY;
  private int maxTokens = DEFAULT_MAX_TOKENS;
  private TokenListener listener = TokenListener.NONE;

  private Question(String text) { this.text = text; }

  /** A question to which the model's chat format is applied. No text in it is ever a control token. */
  public static Question of(String text) { return new Question(text); }

  /**
   * Takes the text as the whole prompt, as it is, with {@code <image>} and {@code <video>} placeholders and the chat format's control
   * strings.
   */
  public Question raw() {
    raw = true;
    return this;
  }

  /** Adds a picture file; it is read when the question is asked. */
  public Question image(Path file) { return image(() -> ImageReader.read(file)); }

  /** Adds a decoded picture. */
  public Question image(RgbImage image) { return image(() -> image); }

  private Question image(Supplier<RgbImage> image) {
    images.add(image);
    return this;
  }

  /**
   * Adds a video: a folder of its frames, each a picture file, in the order of their names. The frames are read when the question is asked.
   * In the prompt the pictures of a turn come before its videos.
   *
   * @throws InvalidInputException if there is no such folder or it has no frames
   */
  public Question video(Path folder) { return video(Video.of(folder)); }

  /** Adds at most so many frames of a video, evenly spread, the first and the last among them. */
  public Question video(Path folder, int frames) { return video(Video.of(folder).sampled(frames)); }

  /** Adds a video by the picture files of its frames, in the order in which they are shown; at least one. */
  public Question video(List<Path> frames) { return video(new Video(frames)); }

  private Question video(Video video) {
    videos.add(video);
    return this;
  }

  /** Prunes by a published method; {@link #set} changes its parameters. Throws InvalidInputException if there is no such method. */
  public Question method(String name) {
    method = Methods.named(name);
    plan = null;
    planFile = null;
    return this;
  }

  /** Sets a parameter of the method. */
  public Question set(String name, String value) {
    settings.put(name, value);
    return this;
  }

  /** Asks the method to hold this many tokens of each image and video, on average over the decoder's layers. */
  public Question budget(int tokens) {
    if (tokens < 0) throw new InvalidInputException("budget must be 0 or more tokens, not " + tokens);
    budget = OptionalInt.of(tokens);
    return this;
  }

  /** Prunes by a plan made elsewhere. */
  public Question plan(Plan plan) {
    this.plan = plan;
    planFile = null;
    return this;
  }

  /** Prunes by a plan file, as {@link PlanReader} reads it. */
  public Question plan(PlanReader file) {
    planFile = file;
    return this;
  }

  public Question sampling(Sampling sampling) {
    this.sampling = sampling;
    return this;
  }

  /** Most tokens to generate, 0 or more. */
  public Question maxTokens(int tokens) {
    if (tokens < 0) throw new InvalidInputException("max-tokens must be 0 or more, not " + tokens);
    maxTokens = tokens;
    return this;
  }

  public Question listener(TokenListener listener) {
    this.listener = listener;
    return this;
  }

  String text() { return text; }

  boolean isRaw() { return raw; }

  List<Supplier<RgbImage>> images() { return images; }

  List<Video> videos() { return videos; }

  Sampling sampling() { return sampling; }

  int maxTokens() { return maxTokens; }

  TokenListener listener() { return listener; }

  /** Throws InvalidInputException for what a model cannot do of this, before any work. */
  void check(ModelConfig config, ModelShape shape) {
    Plan known = plan(shape, 0);
    if (!videos.isEmpty()) VideoEncoder.require(config, known);
  }

  /** @param imageTokens tokens of the largest image or video of this turn, 0 without any */
  Plan plan(ModelShape shape, int imageTokens) {
    if (budget.isPresent() && (planFile != null || plan != null)) {
      throw new InvalidInputException("a plan says itself how many tokens stay, and a budget of " + budget.getAsInt()
          + " says it too; leave one of them out");
    }
    if (planFile != null) return planFile.plan(shape);
    return plan != null ? plan : method.plan(shape, settings, budget, imageTokens);
  }
}
