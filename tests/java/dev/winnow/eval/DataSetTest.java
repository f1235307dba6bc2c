package dev.winnow.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataSetTest {
  @TempDir Path folder;

  private Path file(String name, String text) throws Exception {
    return Files.writeString(folder.resolve(name), text, StandardCharsets.UTF_8);
  }

  private List<EvalItem> read(Path file) { return DataSet.read(file, null, null, Set.of(), 0); }

  private void refuses(String text, String... words) throws Exception {
    Path file = file("bad.jsonl", text);
    String message = assertThrows(InvalidInputException.class, () -> read(file)).getMessage();
    for (String word : words) assertTrue(message.contains(word), message);
    assertEquals(1, message.lines().count());
  }

  @Test void questionsAboutVideosAreRefused() throws Exception {
    refuses("{\"video\":\"frames\",\"question\":\"q\",\"answer\":\"a\"}\n", "line 1", "video", "ask --video");
  }

  @Test void ownFormatWithDefaults() throws Exception {
    file("p.png", "x");
    List<EvalItem> items = read(file("q.jsonl", "\uFEFF{\"image\":\"p.png\",\"question\":\"Où est 猫 ?\",\"answer\":\"là\"}\n\n"
        + "{\"id\":\"b\",\"question\":\"2+2?\",\"answer\":[\"four\",4],\"family\":\"sums\",\"metric\":\"exact\"}\r\n"));
    assertEquals(2, items.size());
    assertEquals("1", items.get(0).id());
    assertEquals("Où est 猫 ?", items.get(0).question());
    assertEquals("all", items.get(0).family());
    assertEquals(folder.resolve("p.png").toAbsolutePath(), items.get(0).image());
    assertNull(items.get(1).image());
    assertEquals(List.of("four", "4"), items.get(1).answers());
  }

  @Test void picturesAreFoundBesideBelowOrWhereToldTo() throws Exception {
    Path images = Files.createDirectory(folder.resolve("images"));
    Files.writeString(images.resolve("p.png"), "x");
    Path file = file("q.jsonl", "{\"image\":\"p.png\",\"question\":\"?\",\"answer\":\"yes\"}");
    assertEquals(images.resolve("p.png").toAbsolutePath(), read(file).get(0).image());
    assertEquals(images.resolve("p.png"), DataSet.read(file, null, images, Set.of(), 0).get(0).image());
    assertThrows(InvalidInputException.class, () -> DataSet.read(file, null, folder.resolve("elsewhere"), Set.of(), 0));
  }

  @Test void whatIsWrongIsNamedWithItsLine() throws Exception {
    refuses("{\"question\":\"a\",\"answer\":\"b\"}\n{\"question\":\"a\",", "line 2", "not valid JSON");
    refuses("{\"question\":\"a\"}", "line 1", "'answer'");
    refuses("{\"answer\":\"a\"}", "line 1", "'question'");
    refuses("{\"question\":\"a\",\"answer\":[]}", "line 1", "empty list");
    refuses("{\"question\":\"a\",\"answer\":{\"x\":1}}", "line 1", "'answer'");
    refuses("{\"question\":\"a\",\"answer\":\"b\",\"metric\":\"bleu\"}", "bleu", "exact");
    refuses("{\"question\":\"a\",\"answer\":\"b\",\"id\":1}\n{\"question\":\"a\",\"answer\":\"b\",\"id\":1}", "line 2", "occurs twice");
    refuses("[1]", "line 1", "no JSON object");
    refuses("{\"question\":\"a\",\"answer\":\"b\",\"image\":\"gone.png\"}", "gone.png", "--images");
    refuses("{\"question\":\"a\",\"answer\":NaN}", "line 1");
    refuses("", "no questions");
    Files.write(folder.resolve("bad.jsonl"), new byte[] {(byte) 0xFF, (byte) 0xFE, '{', 0});
    assertTrue(assertThrows(InvalidInputException.class, () -> read(folder.resolve("bad.jsonl"))).getMessage().contains("UTF-8"));
    assertThrows(InvalidInputException.class, () -> read(folder.resolve("missing.jsonl")));
    assertThrows(InvalidInputException.class, () -> read(file("odd.json", "{\"format\":\"odd\"}")));
  }

  @Test void limitTakesTheFirst() throws Exception {
    Path file = file("q.jsonl", "{\"question\":\"a\",\"answer\":\"b\"}\n{\"question\":\"c\",\"answer\":\"d\"}\nnot reached");
    assertEquals(2, DataSet.read(file, null, null, Set.of(), 2).size());
    assertThrows(InvalidInputException.class, () -> DataSet.read(file, null, null, Set.of(), -1));
  }

  @Test void familiesAreChosenBeforeTheLimit() throws Exception {
    Path file = file("q.jsonl", """
        {"question": "a", "answer": "b", "family": "x"}
        {"question": "c", "answer": "d", "family": "y"}
        """);
    assertEquals("c", DataSet.read(file, null, null, Set.of("y"), 1).get(0).question());
    InvalidInputException none = assertThrows(InvalidInputException.class, () -> DataSet.read(file, null, null, Set.of("z"), 0));
    assertTrue(none.getMessage().contains("no questions of z"));
  }

  @Test void popeAsPublished() throws Exception {
    file("COCO_val2014_000000310196.jpg", "x");
    List<EvalItem> items = read(file("coco_pope_random.json", """
        {"question_id": 1, "image": "COCO_val2014_000000310196.jpg", "text": "Is there a snowboard in the image?", "label": "yes"}
        {"question_id": 2, "image": "COCO_val2014_000000310196.jpg", "text": "Is there a dog in the image?", "label": "no"}
        """));
    assertEquals(2, items.size());
    assertEquals(Metric.YES_NO, items.get(1).metric());
    assertEquals("Is there a dog in the image?", items.get(1).question());
    assertEquals(List.of("no"), items.get(1).answers());
  }

  @Test void vqa2AsPublished() throws Exception {
    file("COCO_val2014_000000262148.jpg", "x");
    Path questions = file("v2_questions.json", """
        {"info": {}, "task_type": "Open-Ended", "data_type": "mscoco", "license": {}, "data_subtype": "val2014",
         "questions": [{"image_id": 262148, "question": "Where is he looking?", "question_id": 262148000}]}""");
    Path annotations = file("v2_annotations.json", """
        {"annotations": [{"question_type": "none of the above", "multiple_choice_answer": "down",
          "answers": [{"answer": "down", "answer_confidence": "yes", "answer_id": 1}, {"answer": "at table", "answer_id": 2}],
          "image_id": 262148, "answer_type": "other", "question_id": 262148000}]}""");
    EvalItem item = DataSet.read(questions, annotations, null, Set.of(), 0).get(0);
    assertEquals(folder.resolve("COCO_val2014_000000262148.jpg").toAbsolutePath(), item.image());
    assertEquals(List.of("down", "at table"), item.answers());
    assertEquals(Metric.CONSENSUS, item.metric());
    assertEquals("other", item.family());
    assertTrue(assertThrows(InvalidInputException.class, () -> read(questions)).getMessage().contains("--annotations"));
  }

  @Test void gqaAsPublished() throws Exception {
    file("2405722.jpg", "x");
    EvalItem item = read(file("testdev_balanced_questions.json", """
        {"201307251": {"semantic": [], "entailed": [], "question": "Is the bed small?", "imageId": "2405722", "isBalanced": true,
          "answer": "no", "types": {"structural": "verify", "semantic": "attr"}, "fullAnswer": "No."}}""")).get(0);
    assertEquals("201307251", item.id());
    assertEquals("verify", item.family());
    assertEquals(Metric.EXACT, item.metric());
    assertEquals(folder.resolve("2405722.jpg").toAbsolutePath(), item.image());
  }

  @Test void textVqaAsPublished() throws Exception {
    file("003a8ae2ef43b901.jpg", "x");
    EvalItem item = read(file("TextVQA_0.5.1_val.json", """
        {"dataset_type": "val", "dataset_name": "textvqa", "dataset_version": "0.5.1",
         "data": [{"question": "what is the brand of this camera?", "image_id": "003a8ae2ef43b901",
          "answers": ["nous les gosses", "dakota", "clos culombu", "dakota digital", "dakota", "dakota", "dakota digital",
            "dakota digital", "dakota", "dakota"],
          "question_id": 34602, "set_name": "val"}]}""")).get(0);
    assertEquals("34602", item.id());
    assertEquals(10, item.answers().size());
    assertEquals(1, item.score("Dakota"), 1e-12);
  }
}
