package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;
import dev.winnow.NativeCache;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * A LLaVA checkpoint folder, opened: its config, its weights (mapped, not read), its tokenizer and its
 * chat format. Everything
 * is checked here, once; what opens without an exception is complete and consistent.
 *
 * <p>Understood are the layouts of llava-hf (old and new names, single or sharded, safetensors or pytorch .bin) and of the
 * original LLaVA code, whose vision tower lies in a folder of its own.
 */
public final class Checkpoint implements AutoCloseable {
  private final Path path;
  private final Path preprocessorFolder;
  private final ModelConfig config;
  private final SpecialTokens tokens;
  private final MappedWeights weights;
  private Tokenizer tokenizer;
  private boolean closed;

  private Checkpoint(Path path, Path preprocessorFolder, ModelConfig config, SpecialTokens tokens, MappedWeights weights) {
    this.path = path;
    this.preprocessorFolder = preprocessorFolder;
    this.config = config;
    this.tokens = tokens;
    this.weights = weights;
  }

  /**
   * Opens a folder. Throws InvalidInputException naming file, field or tensor for anything that is missing, damaged,
   * inconsistent or unsupported.
   */
  public static Checkpoint open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException(folder + " is not a folder: a model is a folder with config.json and weights");
    }
    NativeCache.configure();
    ConfigReader.Result read = ConfigReader.read(folder);
    ModelConfig config = read.config();
    TreeMap<String, TensorInfo> infos = new TreeMap<>();
    collect(folder, config.originalLayout() ? CanonicalNames::ofOriginal : CanonicalNames::ofHub, infos);
    boolean towerInside = infos.containsKey("vision.embeddings.patch_embedding.weight");
    if (read.tower() != null && !towerInside) collect(read.tower(), CanonicalNames::ofTower, infos);
    WeightCheck.check(config, infos);
    if (config.dtype().isEmpty()) config = withDtype(config, infos.get("decoder.embed_tokens.weight").dtype());
    return new Checkpoint(folder, read.tower() == null ? folder : read.tower(), config, read.tokens(), new MappedWeights(infos));
  }

  private static void collect(Path folder, UnaryOperator<String> naming, TreeMap<String, TensorInfo> infos) {
    List<TensorInfo> tensors = WeightFiles.list(folder);
    for (TensorInfo info : tensors) {
      String name = naming.apply(info.name());
      if (name == null) continue;
      TensorInfo twin = infos.put(name, info);
      if (twin != null) {
        throw new InvalidInputException("tensors " + twin.describe() + " and " + info.describe()
            + " are the same tensor under two names: which one counts is unclear");
      }
    }
  }

  private static ModelConfig withDtype(ModelConfig c, String stored) {
    String dtype = stored.equals("F32") ? "float32" : stored.equals("F16") ? "float16" : "bfloat16";
    return new ModelConfig(c.family(), c.originalLayout(), dtype, c.text(), c.vision(), c.projectorActivation(), c.projectorBias(),
        c.imageTokenId(), c.videoTokenId(), c.videoPoolStride(), c.eosIds(), c.aspectRatio(), c.gridPinpoints());
  }

  /** The folder that was opened. */
  public Path path() { return path; }

  /**
   * Folder with the preprocessor_config.json or processor_config.json that says how pictures are prepared: the tower's own in the original
   * layout.
   */
  public Path preprocessorFolder() { return preprocessorFolder; }

  public ModelConfig config() { return config; }

  /**
   * The tokenizer, built when it is first asked for; it lives until this checkpoint is closed. Throws InvalidInputException if
   * there is no tokenizer.json or a damaged one.
   */
  public synchronized Tokenizer tokenizer() {
    if (closed) throw new IllegalStateException("the checkpoint is closed");
    if (tokenizer == null) tokenizer = HubTokenizer.open(path, tokens, config);
    return tokenizer;
  }

  /** How a conversation is written. Throws InvalidInputException if the checkpoint's template is none of the known ones. */
  public ChatFormat chatFormat() { return ChatFormat.of(config, ChatTemplate.find(path)); }

  /** The weights; they live until this checkpoint is closed. */
  public Weights weights() { return weights; }

  /**
   * Throws InvalidInputException if a weight file was changed since it was opened. Cheap (a file status per shard); worth
   * calling before a long computation, because a mapped file that somebody overwrites changes the model in silence.
   */
  public void checkUnchanged() { weights.checkUnchanged(); }

  @Override public synchronized void close() {
    closed = true;
    if (tokenizer != null) tokenizer.close();
    weights.close();
  }
}
