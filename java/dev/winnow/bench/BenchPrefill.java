package dev.winnow.bench;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.TextConfig;
import dev.winnow.decoder.Decoder;
import dev.winnow.engine.ImageEncoder;
import dev.winnow.engine.MemoryCheck;
import dev.winnow.engine.Pictures;
import dev.winnow.engine.Threads;
import dev.winnow.eval.Variant;
import dev.winnow.prune.Plan;
import dev.winnow.prune.QuestionText;
import dev.winnow.vision.PixelBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;

/**
 * Measures prompts and decoding of a model of a published shape with random weights, without and with plans, interleaved: none, A, B,
 * none, A, B, ... so that a disturbance of the machine meets all alike. Everything runs through {@link Pictures} and
 * {@link dev.winnow.engine.SequenceRun}, as in a session.
 */
public final class BenchPrefill {
  private static final long SEED = 20250607;
  /** For methods that ask what is looked for. Its words are noise like the rest of the text. */
  private static final String QUESTION = "What colour is the small round sign?";

  private BenchPrefill() {}

  /**
   * @throws InvalidInputException if a method cannot do with this model, this budget, or without the tower
   * @throws dev.winnow.InsufficientMemoryException if the model would not fit, before anything is allocated
   */
  public static BenchResult run(BenchModelOptions options) { return run(options, arms(options)); }

  /** The plan that removes nothing, then those of the options. */
  static List<BenchArm> arms(BenchModelOptions options) {
    List<BenchArm> arms = new ArrayList<>();
    arms.add(new BenchArm(Variant.NONE.label(), Plan.NONE));
    options.pruning().plans(options).forEach(named -> arms.add(new BenchArm(named.label(), named.plan())));
    return arms;
  }

  static BenchResult run(BenchModelOptions options, List<BenchArm> arms) {
    ModelConfig config = options.shape().model(options.layers());
    PixelBatch pixels = options.tower() ? options.shape().picture() : null;
    long towerBytes = pixels == null ? 0 : BenchTower.bytes(config, pixels.tiles(), options.dtype());
    boolean asksClip = arms.stream().anyMatch(BenchArm::asksClip);
    long clipBytes = asksClip ? BenchClip.bytes(options.shape().clip()) : 0;
    MemoryCheck.require(bytes(config.text(), options) + towerBytes + clipBytes, "a model of shape " + options.shape().label() + " with "
        + options.layers() + " layers in " + options.dtype().label);
    int threads = options.threads() == 0 ? Threads.available() : options.threads();
    Threads.use(threads);
    try (BenchModel model = new BenchModel(config.text(), options.dtype(), SEED);
        BenchTower tower = pixels == null ? null : new BenchTower(config, options.dtype(), SEED + 2);
        BenchClip clip = asksClip ? new BenchClip(options.shape().clip(), SEED + 3) : null;
        PointerScope scope = new PointerScope()) {
      int[] ids = ids(options, config);
      BenchArm.Picture picture = pixels == null ? noise(model, options.imageTokens())
          : seen(tower.encoder(), pixels, model.decoder(), clip);
      for (int run = 0; run <= options.runs(); run++) {
        for (BenchArm arm : arms) arm.run(model, ids, config.imageTokenId(), picture, options.decode(), run > 0);
      }
      return new BenchResult(options, threads, arms.stream().map(arm -> arm.row(model.decoder(), options, arms.get(0))).toList());
    }
  }

  /** Rows that no tower made; they belong to the caller's scope. */
  private static BenchArm.Picture noise(BenchModel model, int tokens) {
    Pictures rows = new Pictures(List.of(new ImageEncoder.Encoded(model.rows(tokens, SEED + 1), null, tokens)));
    return (plan, scope) -> rows;
  }

  /**
   * What a tower makes of a picture under each plan.
   *
   * @param clip null where no plan asks it
   */
  static BenchArm.Picture seen(ImageEncoder encoder, PixelBatch pixels, Decoder decoder, BenchClip clip) {
    return (plan, scope) -> {
      QuestionText question = new QuestionText(QUESTION, words -> decoder.embed(text(words.split(" ").length, decoder.config())),
          clip == null ? null : clip.question(scope));
      return Pictures.encode(encoder, List.of(pixels), plan, 0, question, scope);
    };
  }

  /** Ids of the prompt: text, the picture, text. */
  private static int[] ids(BenchModelOptions options, ModelConfig config) {
    int before = options.promptText() / 2;
    int[] text = text(options.promptText(), config.text());
    int[] ids = Arrays.copyOf(text, text.length + 1);
    ids[before] = config.imageTokenId();
    System.arraycopy(text, before, ids, before + 1, text.length - before);
    return ids;
  }

  private static int[] text(int tokens, TextConfig config) { return new Random(SEED).ints(tokens, 0, config.vocab()).toArray(); }

  /** Weights, one full cache, and the rows in flight: at most six of the widest kind at once, one of them in float32. */
  private static long bytes(TextConfig c, BenchModelOptions options) {
    long rows = options.rows();
    long cache = 2L * c.layers() * c.kvHeads() * c.headDim() * options.dtype().bytes * (rows + options.decode());
    return BenchModel.weightBytes(c, options.dtype()) + cache + rows * c.intermediate() * (5L * options.dtype().bytes + 4);
  }
}
