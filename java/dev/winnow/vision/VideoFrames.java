package dev.winnow.vision;

import dev.winnow.InsufficientMemoryException;
import dev.winnow.InterruptedWorkException;
import dev.winnow.InvalidInputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The frames of one video, decoded and brought to a tower's size, as bytes: numbers would take four times the memory, and are made for a
 * few frames at a time.
 *
 * @param scaled one picture a frame, all of one size
 * @param width columns of a frame as decoded, pixels
 * @param height rows of a frame as decoded, pixels
 */
public record VideoFrames(List<RgbImage> scaled, int width, int height) {
  public VideoFrames {
    scaled = List.copyOf(scaled);
  }

  /**
   * Reads and scales frames one by one.
   *
   * @param preprocessor in {@link Preprocessor.Layout#PLAIN}
   * @throws InvalidInputException naming the first frame that is no picture, or has another size than the frames before it
   * @throws InsufficientMemoryException if the heap cannot hold the frames
   * @throws InterruptedWorkException if the thread is interrupted, within one frame
   */
  public static VideoFrames read(Video video, Preprocessor preprocessor) {
    List<RgbImage> scaled = new ArrayList<>();
    RgbImage first = null;
    for (Path file : video.frames()) {
      InterruptedWorkException.check();
      RgbImage frame = ImageReader.read(file);
      if (first == null) first = frame;
      if (frame.width() != first.width() || frame.height() != first.height()) {
        throw new InvalidInputException(file + ": a frame of " + frame.width() + "x" + frame.height() + " pixels in a video that began with"
            + " " + first.width() + "x" + first.height() + "; scale them alike, or give them as single pictures");
      }
      scaled.addAll(preprocessor.tiles(frame));
      if (scaled.size() == 1) requireHeap(scaled.get(0), video.frames().size());
    }
    return new VideoFrames(scaled, first.width(), first.height());
  }

  private static void requireHeap(RgbImage frame, int frames) {
    long bytes = (long) frames * frame.rgb().length;
    if (bytes < Runtime.getRuntime().maxMemory()) return;
    throw new InsufficientMemoryException(frames + " frames need " + (bytes >> 20) + " MB of Java heap; give fewer frames or the JVM a"
        + " larger -Xmx");
  }

  public int count() { return scaled.size(); }
}
