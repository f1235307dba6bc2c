package dev.winnow.vision;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InterruptedWorkException;
import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.checkpoint.Checkpoint;
import dev.winnow.checkpoint.ModelConfig;
import dev.winnow.checkpoint.VisionConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Folders of frames: which files, in which order, which of them, and what is refused. */
class VideoFilesTest {
  private static final Path IMAGES = TestData.path("parity/images");
  private static final Path FOUR = IMAGES.resolve("video_b");

  @TempDir Path folder;

  private Path frame(String name, Path like) throws IOException { return Files.copy(like, folder.resolve(name)); }

  private static List<String> names(Video video) { return video.frames().stream().map(file -> file.getFileName().toString()).toList(); }

  private static String refusal(Executable work) {
    String message = assertThrows(InvalidInputException.class, work).getMessage();
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  private static Preprocessor plain() {
    try (Checkpoint checkpoint = Checkpoint.open(TestData.path("parity/models/video-llava-56"))) {
      return Preprocessor.load(checkpoint.preprocessorFolder(), checkpoint.config()).with(Preprocessor.Layout.PLAIN);
    }
  }

  @Test void framesComeInTheOrderOfTheirNames() throws IOException {
    for (String name : new String[] {"b.png", "10.png", "a.png", "2.png", "B.png", ".hidden"}) frame(name, FOUR.resolve("00.png"));
    assertEquals(List.of("10.png", "2.png", "B.png", "a.png", "b.png"), names(Video.of(folder)));
  }

  /** The numbers are NumPy's {@code linspace(0, frames - 1, most).astype(int)}. */
  @ParameterizedTest
  @CsvSource({"10,4,0 3 6 9", "8,3,0 3 7", "100,8,0 14 28 42 56 70 84 99", "250,7,0 41 83 124 166 207 249", "5,5,0 1 2 3 4",
      "5,9,0 1 2 3 4", "7,1,0", "2,2,0 1", "1,4,0", "50,8,0 7 14 21 28 35 42 49"})
  void sampledFramesAreEvenlySpread(int frames, int most, String expected) {
    Video video = new Video(IntStream.range(0, frames).mapToObj(i -> Path.of("f" + i)).toList());
    assertEquals(expected, String.join(" ", names(video.sampled(most)).stream().map(name -> name.substring(1)).toList()));
  }

  @Test void foldersThatAreNoVideosAreRefused() throws IOException {
    assertTrue(refusal(() -> Video.of(folder)).contains("has no frames"));
    assertTrue(refusal(() -> Video.of(folder.resolve("missing"))).contains("no such folder"));
    Path file = frame("0.png", FOUR.resolve("00.png"));
    assertTrue(refusal(() -> Video.of(file)).contains("folder of its frames"));
    Files.createDirectory(folder.resolve("1"));
    assertTrue(refusal(() -> Video.of(folder)).contains("among the frames"));
    assertTrue(refusal(() -> new Video(List.of())).contains("no frames"));
    assertTrue(refusal(() -> new Video(List.of(file)).sampled(0)).contains("1 or more"));
  }

  @Test void framesThatDoNotDoAreNamed() throws IOException {
    Preprocessor plain = plain();
    frame("0.png", FOUR.resolve("00.png"));
    frame("1.png", FOUR.resolve("01.png"));
    assertEquals(2, VideoFrames.read(Video.of(folder), plain).count());
    Path other = frame("2.png", IMAGES.resolve("gray_200x150.png"));
    String size = refusal(() -> VideoFrames.read(Video.of(folder), plain));
    assertTrue(size.contains("2.png") && size.contains("200x150") && size.contains("64x80"), size);
    Files.delete(other);
    Files.writeString(folder.resolve("notes.txt"), "no picture");
    assertTrue(refusal(() -> VideoFrames.read(Video.of(folder), plain)).contains("notes.txt"));
    assertTrue(refusal(() -> VideoFrames.read(new Video(List.of(folder.resolve("gone.png"))), plain)).contains("gone.png"));
  }

  @Test void anInterruptedThreadStopsReading() {
    Preprocessor plain = plain();
    Thread.currentThread().interrupt();
    assertThrows(InterruptedWorkException.class, () -> VideoFrames.read(Video.of(FOUR), plain));
    Thread.interrupted();
  }

  @Test void everyPictureFormatWillDo() throws IOException {
    frame("0.jpg", IMAGES.resolve("exif6_200x150.jpg"));
    frame("1.png", IMAGES.resolve("gray_200x150.png"));
    assertEquals(2, VideoFrames.read(Video.of(folder), plain()).count());
  }

  /** Averages drop what is left over at the edge of a map: 27 patches a side become 13; halving rounds up: 14. */
  @Test void rowsOfAFrame() {
    try (Checkpoint next = Checkpoint.open(TestData.path("parity/models/llava-next-video-112"));
        Checkpoint onevision = Checkpoint.open(TestData.path("parity/models/llava-onevision-62"));
        Checkpoint own = Checkpoint.open(TestData.path("parity/models/video-llava-56"))) {
      assertEquals(144, rows(next.config(), 336));
      assertEquals(169, rows(next.config(), 27 * 14));
      assertEquals(196, rows(onevision.config(), 384));
      assertEquals(256, rows(own.config(), 224));
      ModelConfig full = next.config().withVision(next.config().vision().withClass(true));
      assertThrows(InvalidInputException.class, () -> FramePooling.of(full, full.vision()));
      assertEquals(17, FramePooling.of(own.config(), own.config().vision().withClass(true)).rows());
    }
  }

  private static int rows(ModelConfig c, int imageSize) {
    VisionConfig v = c.vision();
    return FramePooling.of(c, new VisionConfig(v.kind(), v.hidden(), v.intermediate(), v.layers(), v.heads(), imageSize,
        v.patchSize(), v.layerNormEps(), v.activation(), v.featureLayers(), v.keepClass())).rows();
  }
}
