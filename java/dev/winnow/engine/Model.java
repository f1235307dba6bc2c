package dev.winnow.engine;

import dev.winnow.checkpoint.ChatFormat;
import dev.winnow.checkpoint.Checkpoint;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.Tokenizer;
import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.decoder.Decoder;
import dev.winnow.decoder.KvPool;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.NativeLibrary;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.QuestionText;
import dev.winnow.vision.Preprocessor;
import dev.winnow.vision.Projector;
import dev.winnow.vision.VisionTower;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;

/**
 * A loaded checkpoint: immutable, shared by any number of threads, each of which opens its own {@link Session}. Weights are memory-mapped
 * and used in place where their dtype is the one computed in.
 */
public final class Model implements AutoCloseable {
  /** System property: most bytes that the KV caches of all sessions of a model may hold. */
  public static final String KV_BYTES_PROPERTY = "winnow.kv.bytes";

  private static final System.Logger LOG = System.getLogger(Model.class.getName());

  private final Lease lease = new Lease("model", true);
  private final Deque<AutoCloseable> owned = new ArrayDeque<>();
  private final Checkpoint checkpoint;
  /** null where no CLIP folder was named. */
  private final Clip clip;
  private final Dtype dtype;
  private final int threads;
  private final String deviceName;
  private final ImageEncoder images;
  /** null where the family takes no videos. */
  private final VideoEncoder videos;
  private final Decoder decoder;
  private final double loadMillis;
  private ChatFormat chatFormat;

  private Model(Path folder, ModelOptions options, List<Question> questions) {
    long begin = System.nanoTime();
    boolean done = false;
    try {
      NativeLibrary.load();
      threads = Machine.threads(options.threads());
      Threads.use(threads);
      deviceName = options.device();
      Device device = owned(Devices.open(deviceName));
      checkpoint = owned(Checkpoint.open(folder));
      ModelConfig config = checkpoint.config();
      clip = options.clip() == null ? null : owned(Clip.open(options.clip(), config.vision()));
      for (Question question : questions) question.check(config, shape());
      dtype = options.dtype() == null ? Dtype.of(config.dtype()) : options.dtype();
      if (dtype == Dtype.FLOAT16 && device.is_cpu()) {
        LOG.log(System.Logger.Level.WARNING,
            "computing in float16 on the CPU is several times slower than in bfloat16; set dtype bfloat16");
      }
      MemoryCheck.require(converted(device) + (clip == null ? 0 : clip.convertedBytes(device)), "loading this model in " + dtype.label);
      checkpoint.tokenizer();
      if (clip != null) clip.load(device);
      Preprocessor preprocessor = Preprocessor.load(checkpoint.preprocessorFolder(), config);
      VisionTower tower = owned(new VisionTower(config.vision(), checkpoint.weights(), dtype.torch, device));
      Projector projector = owned(new Projector(config, checkpoint.weights(), dtype.torch, device));
      Tensor newline = checkpoint.weights().has("image_newline") ? checkpoint.weights().get("image_newline") : null;
      images = new ImageEncoder(config, preprocessor, tower, projector, newline);
      VisionConfig ofVideos = VideoEncoder.tower(config);
      VisionTower videoTower = !VideoEncoder.hasOwnTower(config) ? tower
          : owned(new VisionTower(ofVideos, checkpoint.weights(), "video.", dtype.torch, device));
      videos = ofVideos == null ? null : new VideoEncoder(config, preprocessor, videoTower, projector, newline, dtype);
      KvPool pool = owned(new KvPool(device, Long.getLong(KV_BYTES_PROPERTY, Long.MAX_VALUE)));
      decoder = owned(new Decoder(config.text(), checkpoint.weights(), dtype, device, pool));
      done = true;
    } finally {
      if (!done) closeOwned();
    }
    loadMillis = (System.nanoTime() - begin) / 1e6;
  }

  /** Opens a checkpoint folder with default options. */
  public static Model open(Path folder) { return open(folder, ModelOptions.DEFAULT); }

  /**
   * Opens a checkpoint folder.
   *
   * @throws dev.winnow.InvalidInputException if the folder is no supported checkpoint, naming what is wrong
   * @throws dev.winnow.InsufficientMemoryException if converted weights would not fit, before they are converted
   */
  public static Model open(Path folder, ModelOptions options) { return open(folder, options, List.of()); }

  /**
   * The same for questions that are known already: what they ask of a method that this model cannot do is said before any weight is read.
   */
  public static Model open(Path folder, ModelOptions options, List<Question> questions) { return new Model(folder, options, questions); }

  /** Bytes of weights that cannot be used in place. */
  private long converted(Device device) {
    long bytes = 0;
    for (String name : checkpoint.weights().names()) {
      if (!used(name)) continue;
      Tensor tensor = checkpoint.weights().get(name);
      boolean asIs = device.is_cpu() && tensor.scalar_type().value == dtype.torch.value;
      if (!asIs) bytes += tensor.numel() * dtype.bytes;
    }
    return bytes;
  }

  private static boolean used(String name) { return !name.startsWith("vision.post_layernorm") && !name.startsWith("video.post_layernorm"); }

  private <C extends AutoCloseable> C owned(C resource) {
    owned.push(resource);
    return resource;
  }

  /** A conversation of its own, with its own cache. Use it from one thread at a time and close it. */
  public Session newSession() {
    lease.enter();
    return new Session(this);
  }

  /** Called by a session that was closed. */
  void sessionClosed() { lease.leave(); }

  public ModelConfig config() { return checkpoint.config(); }

  public ModelShape shape() { return ModelShape.of(config(), clip != null); }

  public Dtype dtype() { return dtype; }

  /** Folder of the CLIP beside the model; null for none. */
  public Path clip() { return clip == null ? null : clip.folder(); }

  /** "cpu", "cuda" or "cuda:N". */
  public String device() { return deviceName; }

  public int threads() { return threads; }

  /** Milliseconds that opening took. */
  public double loadMillis() { return loadMillis; }

  /** Bytes that the KV caches of all sessions hold. */
  public long kvBytesHeld() { return decoder.pool().heldBytes(); }

  /** The parts of the model, for tools that look inside; asking questions needs none of them. */
  public Tokenizer tokenizer() { return checkpoint.tokenizer(); }

  /** Found when first needed, so that a model with an unknown chat template can still be asked raw prompts. */
  public synchronized ChatFormat chatFormat() {
    if (chatFormat == null) chatFormat = checkpoint.chatFormat();
    return chatFormat;
  }

  public ImageEncoder images() { return images; }

  /**
   * The question of a turn, for {@link ImageEncoder#encode}.
   *
   * @param text as the user wrote it, without chat format and placeholders
   * @param embed rows of the language model's embedding for a text, [tokens, hidden]
   * @param scope owns what is computed of the question; open as long as pictures are encoded
   */
  public QuestionText questionText(String text, Function<String, Tensor> embed, PointerScope scope) {
    return new QuestionText(text, embed, clip == null ? null : clip.question(text, scope));
  }

  /** null where the family takes no videos. */
  public VideoEncoder videos() { return videos; }

  public Decoder decoder() { return decoder; }

  void checkUnchanged() {
    checkpoint.checkUnchanged();
    if (clip != null) clip.checkUnchanged();
  }

  /** Gives everything back. Throws StateException while sessions are open; closing twice does nothing. */
  @Override public void close() {
    if (lease.close("close its sessions first")) closeOwned();
  }

  private void closeOwned() {
    while (!owned.isEmpty()) {
      try {
        owned.pop().close();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
