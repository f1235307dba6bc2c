package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InsufficientMemoryException;
import dev.winnow.InvalidInputException;
import dev.winnow.TestData;
import dev.winnow.decoder.Segment;
import dev.winnow.kernels.Tensors;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.vision.ClipExpected;
import dev.winnow.vision.Video;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Videos through a session: blocks of the prompt, what the methods do to them, and questions that cannot be asked. */
class VideoTest {
  private static final Path EIGHT = TestData.path("parity/images/video_a");
  private static final Path FOUR = TestData.path("parity/images/video_b");
  private static Model next;
  private static Model onevision;
  private static Model own;

  @BeforeAll static void open() {
    next = Model.open(TestData.path("parity/models/llava-next-video-112"));
    onevision = Model.open(TestData.path("parity/models/llava-onevision-62"));
    own = Model.open(TestData.path("parity/models/video-llava-56"));
  }

  @AfterAll static void close() {
    next.close();
    onevision.close();
    own.close();
  }

  private static Question asked() { return Question.of("What is this?").video(FOUR).maxTokens(2); }

  private static List<Segment> visual(Answer answer) {
    return answer.report().segments().stream().filter(segment -> !segment.isText()).toList();
  }

  private static String refusal(Model model, Question question) {
    String message = assertThrows(InvalidInputException.class, () -> Asked.ask(model, question)).getMessage();
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  @Test void picturesComeFirstAndVideosAreBlocksOfTheirOwn() {
    Question question = Question.of("What differs?").video(EIGHT).image(Asked.drawn(64, 64)).video(FOUR).maxTokens(2);
    List<Segment> blocks = visual(Asked.ask(own, question));
    assertEquals(List.of(false, true, true), blocks.stream().map(Segment::video).toList());
    assertEquals(List.of(0, 1, 2), blocks.stream().map(Segment::image).toList());
    assertEquals(List.of(16, 8 * 17, 4 * 17), blocks.stream().map(Segment::length).toList());
    String raw = "USER: <video>\n<image>\n<video>\nWhat differs? ASSISTANT:";
    Question written = Question.of(raw).raw().video(EIGHT).image(Asked.drawn(64, 64)).video(FOUR).maxTokens(2)
        .method("fastv").set("keep", "5");
    Answer answer = Asked.ask(own, written);
    assertEquals(List.of(1, 0, 2), visual(answer).stream().map(Segment::image).toList(), "placeholders say where");
    assertEquals(List.of(8 * 17, 16, 4 * 17), visual(answer).stream().map(Segment::length).toList());
    for (CutRecord cut : answer.report().cuts()) {
      Segment block = visual(answer).stream().filter(segment -> segment.image() == cut.image()).findFirst().orElseThrow();
      assertEquals(block.length(), cut.before());
      assertEquals(5, cut.after());
    }
  }

  /** The tower runs frames some at a time; what comes out does not depend on which. */
  @Test void everyFrameIsEncodedByItself() {
    List<Path> frames = new ArrayList<>(Video.of(EIGHT).frames());
    frames.addAll(Video.of(EIGHT).frames());
    frames.addAll(frames.subList(0, 3));
    for (Model model : new Model[] {next, onevision, own}) {
      VideoEncoder encoder = model.videos();
      try (PointerScope scope = new PointerScope()) {
        float[] together = Tensors.toFloats(Tensors.adopt(scope, encoder.encode(encoder.prepare(new Video(frames)))));
        int hidden = model.config().text().hidden();
        assertEquals(encoder.tokens(frames.size()) * hidden, together.length);
        int width = encoder.rowsPerFrame() * hidden;
        for (int f = 0; f < frames.size(); f++) {
          float[] alone = Tensors.toFloats(Tensors.adopt(scope, encoder.encode(encoder.prepare(new Video(frames.subList(f, f + 1))))));
          for (int i = 0; i < width; i++) assertEquals(alone[i], together[f * width + i], 1e-4f, "frame " + f + " value " + i);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"pyramiddrop", "fastv", "fastv variant=mask", "fastv variant=inplace", "vtw", "dart keep=4",
      "sparsevlm keep=9,6,3", "random", "uniform", "mustdrop merge=off global_thr=1 individual_thr=1 key_tokens=0,3"})
  void methodsInTheDecoderCutAVideoLikeAPicture(String words) {
    String method = words.split(" ")[0];
    for (Model model : new Model[] {next, onevision, own}) {
      Question question = Question.of("What is this?").image(Asked.drawn(64, 64)).video(FOUR).video(EIGHT).maxTokens(3).method(method);
      Settings.typed(Arrays.stream(words.split(" ")).skip(1).toList()).forEach(question::set);
      Answer answer = Asked.ask(model, question);
      assertEquals(3, visual(answer).size());
      int[] left = new int[3];
      List<CutRecord> cuts = answer.report().cuts();
      for (CutRecord cut : cuts) {
        Segment block = visual(answer).get(cut.image());
        assertTrue(Arrays.stream(cut.kept()).allMatch(i -> i >= 0 && i < block.length()), method + " " + cut.site());
        left[cut.image()] = cut.after();
      }
      for (int block = 0; block < 3; block++) {
        int number = block;
        assertTrue(cuts.stream().anyMatch(cut -> cut.image() == number && cut.after() < cut.before()), method + " leaves block " + block);
      }
      if (words.contains("variant")) continue; // tokens are hidden, or nothing is cached
      int text = answer.report().length() - visual(answer).stream().mapToInt(Segment::length).sum();
      int[] lengths = answer.report().kv().lengthsAfterPrompt();
      assertEquals(text + IntStream.of(left).sum(), lengths[lengths.length - 1], method);
      assertTrue(answer.report().kv().bytesFreed() > 0, method);
    }
  }

  @Test void laterTurnsGoOnAndBringVideosOfTheirOwn() {
    try (Session session = next.newSession()) {
      Question first = asked().method("pyramiddrop");
      Answer one = session.ask(first);
      PromptSize size = session.size(Question.of("And this?").video(EIGHT).method("pyramiddrop").maxTokens(2));
      assertArrayEquals(new int[] {128}, size.images());
      assertEquals(8, size.tiles());
      Answer two = session.ask(Question.of("And this?").video(EIGHT).method("pyramiddrop").maxTokens(2));
      assertEquals(List.of(0), visual(one).stream().map(Segment::image).toList());
      assertEquals(List.of(1), visual(two).stream().map(Segment::image).toList());
      assertTrue(two.report().cuts().stream().allMatch(cut -> cut.image() == 1));
      assertEquals(2, session.ask(Question.of("Sure?").maxTokens(2).method("pyramiddrop")).ids().length);
    }
  }

  @Test void aPlanThatKeepsEverythingChangesNothing() {
    for (Model model : new Model[] {next, onevision, own}) {
      Answer plain = Asked.ask(model, asked());
      Answer kept = Asked.ask(model, asked().method("pyramiddrop").set("ratios", "1,1,1"));
      assertArrayEquals(plain.report().firstLogits(), kept.report().firstLogits(), 0f);
      assertArrayEquals(plain.ids(), kept.ids());
      assertEquals(0, kept.report().kv().bytesFreed());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"fastervlm", "visionzip", "prumerge", "prumerge_plus", "fopru", "vispruner", "divprune", "cdpruner", "holov",
      "tome", "scope", "mmtok", "hiprune", "eadp", "restore_anchors"})
  void methodsBeforeTheDecoderTakeFramesForTilesWhereNothingIsPooled(String method) {
    Question question = asked().method(method);
    if (method.equals("cdpruner") || method.equals("eadp")) question.set("relevance", "none");
    Answer answer = Asked.ask(own, question.budget(40));
    CutRecord cut = answer.report().cuts().get(0);
    assertEquals(4 * 16, cut.before());
    assertTrue(cut.after() <= 40 && cut.after() > 30, method + " leaves " + cut.after());
    assertEquals(cut.after(), visual(answer).get(0).length());
    assertTrue(visual(answer).get(0).video());
    assertTrue(Arrays.stream(cut.kept()).allMatch(patch -> patch >= 0 && patch < 64));
    for (int frame = 0; frame < 4; frame++) {
      int from = 16 * frame;
      assertTrue(Arrays.stream(cut.kept()).anyMatch(patch -> patch >= from && patch < from + 16), method + " forgets frame " + frame);
    }
  }

  @Test void aFrameKeepsWhatItWouldKeepAlone() {
    Question four = asked().method("fastervlm").set("tokens", "24");
    int[] kept = Asked.ask(own, four).report().cuts().get(0).kept();
    List<Path> frames = Video.of(FOUR).frames();
    for (int f = 0; f < 4; f++) {
      Question one = Question.of("What is this?").video(frames.subList(f, f + 1)).maxTokens(1).method("fastervlm").set("tokens", "6");
      int from = 16 * f;
      int[] alone = Arrays.stream(Asked.ask(own, one).report().cuts().get(0).kept()).map(patch -> from + patch).toArray();
      assertArrayEquals(alone, Arrays.stream(kept).filter(patch -> patch >= from && patch < from + 16).toArray());
    }
  }

  @Test void mustDropRunsWholeWhereNothingIsPooled() {
    Answer answer = Asked.ask(own, asked().method("mustdrop").set("average", "10"));
    assertEquals(Site.visionBlock(0), answer.report().cuts().get(0).site());
    assertTrue(answer.report().cuts().stream().anyMatch(cut -> cut.site().kind() == Site.Kind.LAYER && cut.after() < cut.before()));
  }

  @Test void methodsThatCannotWorkOnAVideoSaySoAtOnce() {
    for (Model model : new Model[] {next, onevision}) {
      for (String method : model == next ? new String[] {"fastervlm", "divprune", "tome", "mustdrop"} : new String[] {"divprune"}) {
        String message = refusal(model, asked().method(method));
        assertTrue(message.contains(method) && message.contains("pyramiddrop") && message.contains("merge=off"), message);
      }
    }
    String message = refusal(own, asked().method("hired"));
    assertTrue(message.contains("hired") && message.contains("fastervlm"), message);
    assertEquals(2, Asked.ask(next, Question.of("What is this?").image(Asked.drawn(64, 64)).method("divprune").maxTokens(2)).ids().length,
        "pictures are cut as before");
    try (Model beside = Model.open(TestData.path("parity/models/video-llava-56"), ModelOptions.DEFAULT.withClip(ClipExpected.FOLDER))) {
      assertTrue(refusal(beside, asked().method("cdpruner")).contains("relevance=none"));
      Asked.ask(beside, asked().method("cdpruner").set("relevance", "none"));
    }
    try (Model pictures = Model.open(Asked.MODEL)) {
      assertTrue(refusal(pictures, asked()).contains("takes no videos"));
    }
    Path folder = TestData.path("parity/models/llava-next-video-112");
    Question bad = asked().method("fastervlm");
    assertThrows(InvalidInputException.class, () -> Model.open(folder, ModelOptions.DEFAULT, List.of(bad)), "before weights are read");
  }

  @Test void moreFramesThanTheModelHoldsAreRefusedWithTheNumberThatFits() {
    List<Path> many = new ArrayList<>();
    while (many.size() < 400) many.addAll(Video.of(FOUR).frames());
    int most = next.config().text().maxPositions();
    try (Session session = next.newSession()) {
      Question question = Question.of("What is this?").video(many).maxTokens(1);
      String message = assertThrows(InvalidInputException.class, () -> session.ask(question)).getMessage();
      assertTrue(message.contains(String.valueOf(most)) && message.contains("400") && message.contains("--frames"), message);
      int fit = Integer.parseInt(message.replaceAll(".*at most (\\d+) frames.*", "$1"));
      assertEquals((most - 13) / 16, fit, 1, message);
      assertThrows(InvalidInputException.class, () -> session.size(Question.of("What is this?").video(many.subList(0, fit + 1))));
      assertEquals(fit * 16, session.size(Question.of("What is this?").video(many.subList(0, fit))).images()[0]);
      assertEquals(2, session.ask(asked()).ids().length, "the session goes on");
    }
  }

  /** No machine has the memory for so many; the check comes before any of it is asked for. */
  @Test void memoryIsCountedByFrames() {
    next.videos().requireMemory(new int[] {8, 8}, Plan.NONE);
    String message = assertThrows(InsufficientMemoryException.class,
        () -> next.videos().requireMemory(new int[] {1, 50_000_000}, Plan.NONE)).getMessage();
    assertTrue(message.contains("50000001 frames") && message.contains("MiB"), message);
  }

  @Test void placeholdersAndVideosMustMatch() {
    String message = refusal(next, Question.of("USER: <video>\nWhat? ASSISTANT:").raw().maxTokens(1));
    assertTrue(message.contains("1 <video> placeholder") && message.contains("0 videos"), message);
    assertTrue(refusal(next, Question.of("USER: What? ASSISTANT:").raw().video(FOUR)).contains("as many --video as <video>"));
    Question both = Question.of("USER: <video>\nWhat? ASSISTANT:").raw().image(Asked.drawn(9, 9)).video(FOUR);
    assertTrue(refusal(next, both).contains("<image>"));
  }

  @Test void theOrderOfFramesMatters() {
    List<Path> frames = new ArrayList<>(Video.of(EIGHT).frames());
    Answer forwards = Asked.ask(own, Question.of("What?").video(frames).maxTokens(1));
    Answer folder = Asked.ask(own, Question.of("What?").video(EIGHT).maxTokens(1));
    Collections.reverse(frames);
    Answer backwards = Asked.ask(own, Question.of("What?").video(frames).maxTokens(1));
    assertArrayEquals(forwards.report().firstLogits(), folder.report().firstLogits(), 0f);
    assertNotEquals(Arrays.hashCode(forwards.report().firstLogits()), Arrays.hashCode(backwards.report().firstLogits()));
  }
}
