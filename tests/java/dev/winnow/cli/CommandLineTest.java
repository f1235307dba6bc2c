package dev.winnow.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.TestData;
import dev.winnow.checkpoint.ModelFolder;
import dev.winnow.engine.Rig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands run in this JVM: streams, exit statuses, traces, locales. */
class CommandLineTest {
  private static final String MODEL = TestData.path("parity/models/llava15-mha-56").toString();
  private static final String VIDEO_MODEL = TestData.path("parity/models/llava-next-video-112").toString();
  private static final String FRAMES = TestData.path("parity/images/video_a").toString();
  private static final String IMAGE = TestData.path("parity/images/pixel_1x1.png").toString();
  private static final String WIDE_IMAGE = TestData.path("parity/images/photo_333x251.jpg").toString();

  @TempDir Path folder;

  private static Ran ask(String... more) {
    List<String> args = new ArrayList<>(List.of("ask", "--model", MODEL));
    args.addAll(List.of(more));
    if (!args.contains("--max-tokens")) args.addAll(List.of("--max-tokens", "4"));
    return Ran.inProcess(args.toArray(String[]::new));
  }

  @Test void everyMistakeIsOneLineAndStatusTwo() {
    String[][] mistakes = {
        {"frobnicate"}, {}, {"ask"}, {"ask", "--model", MODEL}, {"ask", "--model", MODEL, "--prompt"},
        {"ask", "--model", MODEL, "--colour", "red", "--prompt", "x"},
        {"ask", "--model", MODEL, "--image", IMAGE}, {"ask", "--model", MODEL, "--prompt", "x", "--image", IMAGE},
        {"ask", "--model", MODEL, "--prompt", "--quiet"}, {"ask", "--model", "/nonexistent", "--prompt", "x"},
        {"ask", "--model", MODEL, "--image", "/nonexistent.png", "--prompt", "x"},
        {"ask", "--model", MODEL, "--image", MODEL, "--prompt", "x"},
        {"ask", "--model", MODEL, "--video", FRAMES, "--prompt", "x"}, {"ask", "--model", VIDEO_MODEL, "--video", MODEL, "--prompt", "x"},
        {"ask", "--model", VIDEO_MODEL, "--video", "/nonexistent", "--prompt", "x"}, {"ask", "--model", VIDEO_MODEL, "--video", FRAMES},
        {"ask", "--model", VIDEO_MODEL, "--video", IMAGE, "--prompt", "x"}, {"ask", "--model", VIDEO_MODEL, "--video", "--prompt", "x"},
        {"ask", "--model", VIDEO_MODEL, "--frames", "2", "--prompt", "x"},
        {"ask", "--model", VIDEO_MODEL, "--video", FRAMES, "--frames", "0", "--prompt", "x"},
        {"ask", "--model", VIDEO_MODEL, "--video", FRAMES, "--prompt", "x", "--method", "fastervlm"},
        {"explain", "--model", VIDEO_MODEL, "--video", FRAMES, "--prompt", "x", "--method", "fastv"},
        {"ask", "--model", MODEL, "--plan", "p.json", "--prompt", "x"},
        {"ask", "--model", MODEL, "--prompt", "x", "--method", "magic"}, {"ask", "--model", MODEL, "--prompt", "x", "--set", "ratio"},
        {"ask", "--model", MODEL, "--prompt", "x", "--method", "fastv", "--set", "ratio=1", "--set", "ratio=2"},
        {"ask", "--model", MODEL, "--image", IMAGE, "--prompt", "x", "--method", "fastv", "--set", "ratio=NaN"},
        {"ask", "--model", MODEL, "--image", IMAGE, "--prompt", "x", "--method", "fastv", "--set", "rato=1"},
        {"ask", "--model", MODEL, "--prompt", "x", "--threads", "many"}, {"ask", "--model", MODEL, "--prompt", "x", "--threads", "-1"},
        {"ask", "--model", MODEL, "--prompt", "x", "--dtype", "int8"}, {"ask", "--model", MODEL, "--prompt", "x", "--device", "tpu"},
        {"ask", "--model", MODEL, "--prompt", "x", "--temperature", "NaN"}, {"ask", "--model", MODEL, "--prompt", "x", "--top-p", "0"},
        {"ask", "--model", MODEL, "--prompt", "x", "--max-tokens", "-1"}, {"ask", "--model", MODEL, "--prompt", "x", "--budget", "-1"},
        {"ask", "--model", MODEL, "--prompt", "x", "--trace", "/nonexistent/trace.json"},
        {"ask", "--model", MODEL, "--prompt", "o\uFFFD est"},
        {"ask", "--model", MODEL, "--prompt", "x", "--threads", "99999"}, {"ask", "--model", MODEL, "--prompt", "x", "--budget", "8"},
        {"ask", "--model", MODEL, "--prompt", "x", "stray"},
        {"ask", "--model", MODEL, "--prompt", "x", "--clip", "/nonexistent"}, {"ask", "--model", MODEL, "--prompt", "x", "--clip", MODEL},
        {"ask", "--model", MODEL, "--image", IMAGE, "--prompt", "x", "--method", "eadp"},
        {"methods", "magic"}, {"methods", "fastv", "--budget", "8"}, {"methods", "fastv", "--layers", "8"}, {"conform"},
        {"conform", "/nonexistent.json"}, {"demo", "--out", IMAGE}};
    for (String[] mistake : mistakes) {
      Ran ran = Ran.inProcess(mistake);
      String what = String.join(" ", mistake) + "\n" + ran;
      assertEquals(2, ran.status(), what);
      assertTrue(ran.out().isEmpty(), what);
      assertEquals(1, ran.err().lines().count(), what);
      assertTrue(ran.err().startsWith("winnow: ") && ran.err().length() > 30 && !ran.err().contains("Exception: "), what);
    }
    assertEquals(0, ask("--prompt", "x").status(), "the next request works");
  }

  @Test void clipIsNamedBesideTheModel() {
    String[] question = {"--image", WIDE_IMAGE, "--prompt", "What is this?", "--method", "cdpruner", "--budget", "5"};
    Ran refused = ask(question);
    assertEquals(2, refused.status(), refused.toString());
    assertTrue(refused.err().contains("--clip DIR"), refused.err());
    List<String> args = new ArrayList<>(List.of(question));
    args.addAll(List.of("--clip", TestData.path("clip/clip-vit-tiny-text").toString(), "--trace", "-"));
    Ran ran = ask(args.toArray(String[]::new));
    assertEquals(0, ran.status(), ran.toString());
    JsonNode trace = ran.traces().get(0);
    assertEquals("clip", trace.at("/method/params/relevance").asText());
    assertEquals(5, trace.at("/cuts/0/kept").size());
  }

  @Test void mistypedNamesAreGuessed() {
    String[][] guesses = {
        {"askk", "unknown command 'askk', perhaps 'ask'; see winnow --help"},
        {"calibrate cats", "unknown command 'cats'; see winnow calibrate --help"},
        {"calibrate vtv", "unknown command 'vtv', perhaps 'vtw'; see winnow calibrate --help"},
        {"ask --model m --prompts x", "unknown option '--prompts', perhaps '--prompt'; see winnow ask --help"},
        {"ask --model m --prompt x --method fastv layer=3", "'layer=3' belongs to no option, perhaps --set layer=3; see"},
        {"ask --model m --prompt x --set ratio=0.5", "--set ratio=0.5 sets a parameter of a --method; name one"},
        {"bench --shape llava_1.5_7", "unknown shape 'llava_1.5_7', perhaps 'llava-1.5-7b'; shapes are"},
        {"ask --model m --prompt x --trace m", "is a folder; name a file"},
        {"calibrate cost --model m --cost m", "cannot be written; name a file in a folder that can be"},
        {"demo --out m/config.json", "config.json should be; name another with --out"},
        {"ask --model m --prompt x y", "'y' belongs to no option; see winnow ask --help"},
        {"ask --model m --prompt x --budget many", "'many' is not a whole number; write digits alone; see winnow ask --help"},
        {"ask --model m --prompt x --method fastv --set layr=3", "has no parameter 'layr', perhaps 'layer'; it has layer, ratio,"},
        {"methods pyramid_drop", "unknown method 'pyramid_drop', perhaps 'pyramiddrop'; methods are none, pyramiddrop,"}};
    for (String[] guess : guesses) {
      Ran ran = Ran.inProcess(guess[0].replaceAll("(--[a-z]+) m\\b", "$1 " + MODEL).split(" "));
      assertEquals(2, ran.status(), ran.toString());
      assertTrue(ran.err().contains(guess[1]), ran.toString());
    }
  }

  @Test void numbersAreReadStrictly() {
    String big = "99999999999";
    String limit = "': '" + big + "' is out of range; whole numbers go from -2147483648 to 2147483647 here";
    for (String option : List.of("--budget", "--max-tokens", "--threads", "--top-k")) {
      String[][] values = {{big, limit}, {"1e3", "': '1e3' is not a whole number"}, {"64.0", "': '64.0' is not a whole number"},
          {"", "': the value is empty; give a whole number"}};
      for (String[] value : values) {
        Ran ran = ask("--prompt", "x", "--method", "fastv", option, value[0], "--max-tokens", "4");
        assertEquals(2, ran.status(), option + "=" + value[0] + " " + ran);
        assertTrue(ran.err().contains("'" + option + value[1]) && ran.err().lines().count() == 1, option + "=" + value[0] + " " + ran);
      }
      assertEquals(2, ask("--prompt", "x", "--method", "fastv", option, "-1").status(), option);
    }
    assertEquals(0, ask("--prompt", "x", "--seed", big).status());
    assertTrue(ask("--prompt", "x", "--temperature", "Infinity").err().contains("'Infinity' is not a finite number"));
    Ran ran = ask("--image", IMAGE, "--prompt", "x", "--method", "fastv", "--set", "keep=" + big);
    assertTrue(ran.err().contains("keep=" + big + " is not valid: '" + big + "' is out of range"), ran.toString());
    assertTrue(Ran.inProcess("methods", "vtw", "--as-plan", "--layers", "2000000000").err().contains("from 1 to 1000"));
    assertTrue(Ran.inProcess("methods", "vtw", "--as-plan", "--budget", "9", "--image-tokens", "0").err().contains("1 or more"));
    assertTrue(Ran.inProcess("bench", "--shape", "tiny", "--threads", "99999").err().contains("to 1024"));
  }

  @Test void whatSaysTwiceHowManyStayIsRefused() throws IOException {
    String[] pruned = {"--image", WIDE_IMAGE, "--prompt", "x", "--method", "fastv"};
    Ran refused = ask(with(pruned, "--set", "keep=3", "--budget", "12"));
    assertEquals(2, refused.status(), refused.toString());
    assertTrue(refused.err().contains("keep=3 and a budget of 12 both say how many tokens stay"), refused.toString());
    assertTrue(ask(with(pruned, "--set", "keep=3", "--target-kv-mb", "1")).err().contains("leave --set keep=3 out"));
    assertEquals(0, ask(with(pruned, "--set", "layer=1", "--budget", "12")).status());
    Path plan = Files.writeString(folder.resolve("plan.json"), Ran.inProcess("methods", "fastv", "--as-plan", "--layers", "4").out());
    assertTrue(ask("--image", IMAGE, "--prompt", "x", "--plan", plan.toString(), "--budget", "12").err().contains("leave those out"));
    assertTrue(Ran.inProcess("explain", "--model", MODEL, "--image", IMAGE, "--prompt", "x", "--plan", plan.toString(), "--budget", "12")
        .err().contains("leave --budget out"));
  }

  private static String[] with(String[] args, String... more) {
    return Stream.concat(Stream.of(args), Stream.of(more)).toArray(String[]::new);
  }

  @Test void quietLeavesTheAnswerAlone() throws IOException {
    // 'a 😀': the emoji is four byte tokens
    ModelFolder rig = Rig.answering(folder, 539, 448, 332, 243, 162, 155, 131, 2);
    Ran ran = Ran.inProcess("ask", "--model", rig.path.toString(), "--prompt", "x", "--quiet");
    assertArrayEquals("a 😀\n".getBytes(StandardCharsets.UTF_8), ran.outBytes(), ran.toString());
    assertEquals("", ran.err());
    Ran traced = Ran.inProcess("ask", "--model", rig.path.toString(), "--prompt", "x", "--trace", "-");
    assertEquals("a 😀", traced.traces().get(0).at("/generated/text").asText());
    assertTrue(traced.err().startsWith("a 😀\n"), traced.toString());
    Ran both = Ran.inProcess("ask", "--model", rig.path.toString(), "--prompt", "x", "--trace", "-", "--quiet");
    assertEquals(1, both.traces().size());
    assertEquals("", both.err());
  }

  @Test void turnsAreAskedInOrderWithTheirPictures() {
    Ran ran = ask("--image", IMAGE, "--image=" + WIDE_IMAGE, "--prompt", "both", "--prompt=@none", "--image", IMAGE, "--prompt", "- one",
        "--trace", "-", "--quiet");
    List<JsonNode> turns = ran.traces();
    assertEquals(3, turns.size(), ran.toString());
    int[] images = turns.stream().mapToInt(turn -> (int) count(turn, "image")).toArray();
    assertArrayEquals(new int[] {2, 0, 1}, images, ran.toString());
  }

  private static long count(JsonNode turn, String kind) {
    long count = 0;
    for (JsonNode segment : turn.at("/prompt/segments")) if (segment.get("kind").asText().equals(kind)) count++;
    return count;
  }

  @Test void videosAreBlocksOfTheTrace() {
    List<JsonNode> traces = Ran.inProcess("ask", "--model", VIDEO_MODEL, "--video", FRAMES, "--image", IMAGE, "--prompt", "What?",
        "--prompt", "Sure?", "--video", FRAMES, "--frames", "3", "--prompt", "And here?", "--max-tokens", "2", "--method", "fastv",
        "--set", "keep=4", "--trace", "-", "--quiet").traces();
    assertEquals("[\"text\",\"image\",\"text\",\"video\",\"text\"]", kinds(traces.get(0)));
    assertEquals("[\"text\"]", kinds(traces.get(1)));
    assertEquals("[\"text\",\"video\",\"text\"]", kinds(traces.get(2)));
    JsonNode second = traces.get(2).at("/prompt/segments/1");
    assertEquals(3 * 16, second.get("length").asInt());
    assertEquals(2, second.get("image").asInt());
    assertEquals(2, traces.get(2).at("/cuts/0/image").asInt());
    assertEquals(48, traces.get(2).at("/cuts/0/before").asInt());
    assertEquals(4, traces.get(2).at("/cuts/0/kept").size());
  }

  private static String kinds(JsonNode trace) {
    return trace.at("/prompt/segments").findValues("kind").toString().replace(" ", "");
  }

  @Test void localesChangeNothing() {
    String[] args = {"--image", IMAGE, "--prompt", "x", "--method", "fastv", "--set", "ratio=0.5", "--dtype", "bfloat16",
        "--temperature", "0.5", "--trace", "-", "--trace-scores", "--trace-logits"};
    String english = ask(args).timeless();
    String methods = Ran.inProcess("methods", "pyramiddrop").out();
    Locale before = Locale.getDefault();
    try {
      for (String tag : new String[] {"de-DE", "tr-TR", "ar-EG-u-nu-arab"}) {
        Locale.setDefault(Locale.forLanguageTag(tag));
        assertEquals(english, ask(args).timeless(), tag);
        assertEquals(methods, Ran.inProcess("methods", "pyramiddrop").out(), tag);
        assertFalse(Ran.inProcess("info").out().contains("unavailable"), tag);
      }
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test void whatHasNoMeaningIsNull() {
    JsonNode one = ask("--image", IMAGE, "--prompt", "x", "--max-tokens", "1", "--trace", "-").traces().get(0);
    assertTrue(one.at("/timing/decode_tokens_per_second").isNull());
    JsonNode none = ask("--image", IMAGE, "--prompt", "x", "--max-tokens", "0", "--trace", "-").traces().get(0);
    assertEquals(0, none.at("/generated/ids").size());
    JsonNode all = ask("--image", IMAGE, "--prompt", "x", "--method", "fastv", "--set", "ratio=0", "--trace", "-",
        "--trace-scores").traces().get(0);
    for (JsonNode cut : all.get("cuts")) assertTrue(cut.get("margin").isNull(), all.toString());
    JsonNode text = ask("--prompt", "x", "--method", "pyramiddrop", "--trace", "-").traces().get(0);
    assertEquals(0, text.get("cuts").size());
    assertEquals(0, text.at("/kv/bytes_freed").asLong());
  }

  @Test void infiniteLogitsAreNullInTheTrace() throws IOException {
    ModelFolder broken = ModelFolder.copy("llava15-mha-56", folder)
        .tensors(tensors -> tensors.computeIfPresent("language_model.lm_head.weight", (name, stored) -> notANumber(stored)));
    Ran ran = Ran.inProcess("ask", "--model", broken.path.toString(), "--prompt", "x", "--max-tokens", "2", "--trace", "-",
        "--trace-logits");
    assertEquals(0, ran.status(), ran.toString());
    assertTrue(ran.traces().get(0).at("/first_token/logits/0").isNull());
  }

  private static ModelFolder.Stored notANumber(ModelFolder.Stored stored) {
    byte[] bytes = new byte[stored.bytes().length];
    for (int i = 0; i < bytes.length; i += 4) System.arraycopy(new byte[] {0, 0, (byte) 0xC0, 0x7F}, 0, bytes, i, 4);
    return new ModelFolder.Stored(stored.dtype(), stored.shape(), bytes);
  }

  @Test void conformCountsWhatFails() throws IOException {
    Path golden = TestData.path("goldens/vtw.json");
    Ran good = Ran.inProcess("conform", golden.toString());
    assertEquals(0, good.status(), good.toString());
    String text = Files.readString(golden);
    Path altered = Files.writeString(folder.resolve("altered.json"), text
        .replaceFirst("(\"kept\"\\s*:\\s*\\[[^\\[\\]]*\\b)\\d+\\]", "$1999]")
        .replaceFirst("\"lengths?\"\\s*:\\s*\\[\\s*\\d+", "\"lengths\":[9999"));
    Ran bad = Ran.inProcess("conform", altered.toString(), golden.toString());
    assertEquals(1, bad.status(), bad.toString());
    assertTrue(bad.out().contains("FAIL") && bad.out().contains("pass"), bad.toString());
    Ran json = Ran.inProcess("conform", "--json", altered.toString());
    assertTrue(new ObjectMapper().readTree(json.out()).get("failed").asInt() > 0, json.toString());
    assertEquals(1, json.status());
  }

  @Test void demoAnswersAndDrawsEveryStage() throws IOException {
    Path out = folder.resolve("pictures");
    Ran ran = Ran.inProcess("demo", "--out", out.toString());
    assertEquals(0, ran.status(), ran.toString());
    assertTrue(ran.out().contains("pyramiddrop") && ran.out().contains("576 x2, 288 x3, 144 x2, 72 x3"), ran.toString());
    try (Stream<Path> files = Files.list(out)) {
      assertEquals(6, files.count());
    }
    assertEquals(4 * (336 + 12) + 12, ImageIO.read(out.resolve("picture-1-pyramiddrop.png").toFile()).getWidth());
  }

  @Test void helpIsAskedForWithStatusZero() {
    for (String command : new String[] {"ask", "demo", "methods", "info", "conform"}) {
      Ran ran = Ran.inProcess(command, "--help");
      assertEquals(0, ran.status());
      assertTrue(ran.out().startsWith("Usage: winnow " + command) && ran.err().isEmpty(), ran.toString());
      assertTrue(Ran.inProcess("--help").out().contains("  " + command + " "), command);
    }
    assertTrue(Ran.inProcess("--version").out().matches("winnow [0-9.]+.*\\s+"));
  }
}
