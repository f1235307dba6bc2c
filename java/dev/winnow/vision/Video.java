package dev.winnow.vision;

import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One video: its frames as picture files, in the order in which they are shown.
 *
 * @param frames one or more; read when the question is asked
 */
public record Video(List<Path> frames) {
  private static final System.Logger LOG = System.getLogger(Video.class.getName());
  private static final Pattern DIGITS = Pattern.compile("[0-9]+");

  public Video {
    frames = List.copyOf(frames);
    if (frames.isEmpty()) throw new InvalidInputException("a video of no frames shows nothing; give at least one");
  }

  /**
   * All files of a folder in the order of their names, but for those whose names begin with a dot.
   *
   * @throws InvalidInputException if there is no such folder, nothing in it, or another folder
   */
  public static Video of(Path folder) {
    if (Files.isRegularFile(folder)) {
      throw new InvalidInputException(folder + ": is a file, and a video is given as a folder of its frames; take them out of it, for"
          + " example with ffmpeg -i FILE -r 1 FOLDER/%05d.png");
    }
    if (!Files.isDirectory(folder)) throw new InvalidInputException(folder + ": there is no such folder of frames; check the path");
    List<Path> frames = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) if (!name(entry).startsWith(".")) frames.add(entry);
    } catch (IOException | DirectoryIteratorException e) {
      throw new InvalidInputException(folder + ": cannot be read (" + e.getClass().getSimpleName() + "); check its permissions", e);
    }
    if (frames.isEmpty()) throw new InvalidInputException(folder + ": has no frames; put one picture file a frame into the folder");
    for (Path frame : frames) {
      if (!Files.isDirectory(frame)) continue;
      throw new InvalidInputException(frame + ": is a folder among the frames of a video; give a folder of picture files alone");
    }
    frames.sort(Comparator.comparing(Video::name));
    warnOfNumbers(folder, frames);
    return new Video(frames);
  }

  private static String name(Path file) { return file.getFileName().toString(); }

  /** By name frame10 comes before frame2, which is hardly what is meant. */
  private static void warnOfNumbers(Path folder, List<Path> frames) {
    for (int i = 1; i < frames.size(); i++) {
      String before = name(frames.get(i - 1));
      String after = name(frames.get(i));
      if (padded(before).compareTo(padded(after)) <= 0) continue;
      LOG.log(System.Logger.Level.WARNING, folder + ": frames are taken in the order of their names, " + before + " before " + after
          + "; number them with leading zeros if that is not meant");
      return;
    }
  }

  /** A name that sorts by the numbers in it. */
  private static String padded(String name) {
    return DIGITS.matcher(name).replaceAll(number -> Matcher.quoteReplacement("0".repeat(Math.max(0, 20 - number.group().length()))
        + number.group()));
  }

  /**
   * At most so many frames, evenly spread, the first and the last among them: numbers {@code linspace(0, frames - 1, most)}, truncated.
   * A video that has no more than that is left as it is.
   */
  public Video sampled(int most) {
    if (most < 1) throw new InvalidInputException("frames must be 1 or more, not " + most);
    int last = frames.size() - 1;
    if (most > last) return this;
    List<Path> some = new ArrayList<>();
    double step = most == 1 ? 0 : (double) last / (most - 1);
    for (int i = 0; i < most; i++) some.add(frames.get(i > 0 && i == most - 1 ? last : (int) (i * step)));
    return new Video(some);
  }
}
