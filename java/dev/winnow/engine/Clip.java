package dev.winnow.engine;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ClipCheckpoint;
import dev.winnow.checkpoint.VisionConfig;
import dev.winnow.prune.ClipQuestion;
import dev.winnow.vision.ClipSpace;
import java.nio.file.Path;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;

/** The CLIP model beside a LLaVA checkpoint: opened and checked first, loaded when the rest is. Shared by threads once loaded. */
final class Clip implements AutoCloseable {
  private final Path folder;
  private final ClipCheckpoint checkpoint;
  private ClipSpace space;

  private Clip(Path folder, ClipCheckpoint checkpoint) {
    this.folder = folder;
    this.checkpoint = checkpoint;
  }

  /**
   * @param tower of the model
   * @throws InvalidInputException if the folder is no whole CLIP model, or none that the tower can come from
   */
  static Clip open(Path folder, VisionConfig tower) {
    if (!tower.hasClass()) {
      throw new InvalidInputException("this model's vision tower is SigLIP, and CLIP cannot compare its patches with a text; leave out"
          + " --clip " + folder);
    }
    if (tower.featureLayers().size() != 1) {
      throw new InvalidInputException("this model's features are " + tower.featureLayers().size() + " layers of its vision tower side by"
          + " side, and CLIP's projection takes one; leave out --clip " + folder);
    }
    ClipCheckpoint checkpoint = ClipCheckpoint.open(folder);
    int width = checkpoint.config().visionHidden();
    if (width == tower.hidden()) return new Clip(folder, checkpoint);
    checkpoint.close();
    throw new InvalidInputException(folder + " has a vision tower of width " + width + ", but this model's is " + tower.hidden()
        + " wide; give --clip the CLIP that this model's tower comes from");
  }

  Path folder() { return folder; }

  /** Bytes of weights that cannot be used in place. */
  long convertedBytes(Device device) { return ClipSpace.convertedBytes(checkpoint.weights(), device); }

  void load(Device device) { space = new ClipSpace(checkpoint.config(), checkpoint.weights(), device); }

  /** @param scope owns what is computed; open as long as the question is used */
  ClipQuestion question(String text, PointerScope scope) { return new ClipQuestion(space, checkpoint.tokenizer()::ids, text, scope); }

  /** Throws InvalidInputException if a weight file was changed since it was opened. */
  void checkUnchanged() { checkpoint.checkUnchanged(); }

  @Override public void close() {
    if (space != null) space.close();
    checkpoint.close();
  }
}
