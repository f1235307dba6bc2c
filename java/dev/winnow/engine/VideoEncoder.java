package dev.winnow.engine;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.TextConfig;
import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.decoder.KvCache;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.Plan;
import dev.winnow.prune.VisionNeeds;
import dev.winnow.prune.PlannedRows;
import dev.winnow.prune.QuestionText;
import dev.winnow.vision.FramePooling;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.Preprocessor;
import dev.winnow.vision.Projector;
import dev.winnow.vision.Video;
import dev.winnow.vision.VideoFrames;
import dev.winnow.vision.VisionObserver;
import dev.winnow.vision.VisionTower;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Turns videos into rows of the language model: every frame goes through tower, pooling and projector by itself, and the rows of all frames
 * follow one another as one block. LLaVA-OneVision closes the block with one newline row. Immutable; shared by threads.
 */
public final class VideoEncoder {
  /** Frames that the tower runs together: more would be hardly faster and take memory by the number of frames. */
  private static final int FRAMES_AT_ONCE = 8;
  private static final String INSIDE = "pyramiddrop, fastv, vtw, dart, sparsevlm, or mustdrop with merge=off";

  /** The model's, its vision part telling of the tower of videos. */
  private final ModelConfig config;
  private final Preprocessor preprocessor;
  private final VisionTower tower;
  private final Projector projector;
  private final FramePooling pooling;
  /** [hidden]; null where a video has none. */
  private final Tensor newline;
  private final Dtype dtype;

  /**
   * @param preprocessor of pictures; frames are scaled and cropped as it does, whatever it does to a picture's shape
   * @param tower of the videos
   * @param newline [hidden], not copied; null where the family has none
   */
  VideoEncoder(ModelConfig model, Preprocessor preprocessor, VisionTower tower, Projector projector, Tensor newline, Dtype dtype) {
    this.config = model.withVision(tower.config());
    this.preprocessor = preprocessor.with(Preprocessor.Layout.PLAIN);
    this.tower = tower;
    this.projector = projector;
    this.pooling = FramePooling.of(model, tower.config());
    this.newline = model.family().equals("llava_onevision") ? newline : null;
    this.dtype = dtype;
  }

  /** What the tower of a family's videos is like; null where the family takes none. */
  static VisionConfig tower(ModelConfig model) {
    if (model.videoTokenId() < 0) return null;
    return hasOwnTower(model) ? model.vision().withClass(true) : model.vision();
  }

  /** Whether videos have a tower of their own, with weights under {@code video.}. */
  static boolean hasOwnTower(ModelConfig model) { return model.family().equals("video_llava"); }

  /**
   * Says before any work that a question with a video cannot be asked.
   *
   * @throws InvalidInputException if the model takes no videos, or the plan cuts them where that is not possible
   */
  static void require(ModelConfig model, Plan plan) {
    VisionConfig tower = tower(model);
    if (tower == null) {
      throw new InvalidInputException("this model (" + model.family() + ") takes no videos; give single frames as pictures, or use"
          + " LLaVA-NeXT-Video, LLaVA-OneVision or Video-LLaVA");
    }
    if (plan.visionCuts().isEmpty()) return;
    if (FramePooling.of(model, tower).pools()) {
      throw new InvalidInputException("'" + plan.method() + "' chooses among patches before the decoder, but in a video this model ("
          + model.family() + ") mixes them; use a method that cuts inside the decoder, such as " + INSIDE);
    }
    if (plan.visionCuts().stream().anyMatch(cut -> cut.reducer().needsWholePicture())) {
      throw new InvalidInputException("'" + plan.method() + "' shares its budget by the whole picture that comes before the tiles, and the"
          + " frames of a video have none; use fastervlm, visionzip, divprune or a method that cuts inside the decoder, such as " + INSIDE);
    }
    if (plan.visionCuts().stream().anyMatch(cut -> cut.reducer().needs().clip() != VisionNeeds.Clip.NOTHING)) {
      throw new InvalidInputException("'" + plan.method() + "' measures relevance in CLIP's space, and this model's tower of videos is not"
          + " CLIP's; set relevance=none, or use fastervlm, visionzip, divprune or a method that cuts inside the decoder, such as "
          + INSIDE);
    }
  }

  /** Rows of one frame in the language model when nothing is removed. */
  public int rowsPerFrame() { return pooling.rows(); }

  /** Rows of a video of so many frames in the language model when nothing is removed. */
  public int tokens(int frames) { return Math.addExact(Math.multiplyExact(frames, pooling.rows()), newline == null ? 0 : 1); }

  /** Reads all frames. Throws InvalidInputException naming the first one that does not do. */
  public VideoFrames prepare(Video video) { return VideoFrames.read(video, preprocessor); }

  /** Some frames as the tower takes them. */
  public PixelBatch pixels(VideoFrames video, int from, int to) {
    return preprocessor.frames(video.scaled().subList(from, to), video.width(), video.height());
  }

  /** Features of frames, [frames, features of a frame, hidden x feature layers]; the caller closes them. */
  public Tensor features(PixelBatch frames, VisionObserver observer) { return tower.encode(frames, observer); }

  /** What the projector gets of the features, [frames, rows, hidden x feature layers]; the caller closes it. */
  public Tensor pooled(Tensor features) { return pooling.beforeProjector(features); }

  /** [frames, rows, hidden of the language model]; the caller closes it. */
  public Tensor projected(Tensor pooled) { return projector.project(pooled); }

  /** Rows of one video, [tokens, hidden]; the caller closes them. */
  public Tensor encode(VideoFrames video) {
    List<Tensor> parts = new ArrayList<>();
    try (PointerScope all = new PointerScope()) {
      for (int from = 0; from < video.count(); from += FRAMES_AT_ONCE) {
        parts.add(Tensors.adopt(all, rows(pixels(video, from, Math.min(video.count(), from + FRAMES_AT_ONCE)))));
      }
      if (newline != null) parts.add(newline.to(parts.get(0).device(), parts.get(0).scalar_type()).reshape(1, newline.numel()));
      Tensor rows = torch.cat(new TensorVector(parts.toArray(new Tensor[0])), 0);
      rows.retainReference();
      return rows;
    }
  }

  /** Temporaries of some frames are freed before the next ones come. */
  private Tensor rows(PixelBatch frames) {
    try (PointerScope scope = new PointerScope()) {
      Tensor pooled = Tensors.adopt(scope, pooled(Tensors.adopt(scope, features(frames, VisionObserver.NONE))));
      Tensor rows = Tensors.adopt(scope, pooling.behindProjector(Tensors.adopt(scope, projected(pooled))));
      rows = rows.reshape(rows.size(0) * rows.size(1), rows.size(2));
      rows.retainReference();
      return rows;
    }
  }

  /**
   * Encodes a video and applies a plan's cuts before the decoder, to its frames as to the tiles of a picture. {@link #require} has been
   * asked.
   *
   * @param number of the video within the session, for the record
   */
  ImageEncoder.Encoded encode(VideoFrames video, Plan plan, int number, QuestionText question) {
    int unpruned = tokens(video.count());
    VisionStage.check(plan, config.vision(), video.count(), unpruned);
    if (plan.visionCuts().isEmpty()) return new ImageEncoder.Encoded(encode(video), List.of(), unpruned);
    return new VisionStage(config, tower, projector, plan, question).run(pixels(video, 0, video.count()), number, unpruned,
        () -> encode(video));
  }

  /**
   * Throws InsufficientMemoryException where the videos of a question need more than there is: in the tower, as rows and in the caches.
   *
   * @param frames of each video
   */
  void requireMemory(int[] frames, Plan plan) {
    if (!tower.onHost()) return;
    TextConfig text = config.text();
    // cuts before the decoder look at all frames of a video together
    int together = Arrays.stream(frames).map(n -> plan.visionCuts().isEmpty() ? Math.min(n, FRAMES_AT_ONCE) : n).max().orElse(0);
    long bytes = towerBytes(together);
    for (int n : frames) {
      bytes += (long) tokens(n) * text.hidden() * dtype.bytes;
      int[] held = PlannedRows.of(plan, text.layers(), tokens(n));
      for (int layer = 0; layer < held.length; layer++) {
        bytes += PlannedRows.copies(plan, layer) * KvCache.layerBytes(text, dtype, held[layer], 0);
      }
    }
    MemoryCheck.require(bytes, "a prompt with " + Arrays.stream(frames).sum() + " frames of video",
        "give fewer frames (--frames N), use --dtype bfloat16 or a larger machine");
  }

  /** In flight: four of the feed-forward's width, eight of the hidden width, three of the decoder's, and attention's four in float32. */
  private long towerBytes(int frames) {
    VisionConfig v = tower.config();
    long row = dtype.bytes * (4L * v.intermediate() + 8L * v.hidden() + 3L * config.text().hidden()) + 16L * v.hidden();
    return (long) frames * (v.patches() + 1) * row;
  }
}
