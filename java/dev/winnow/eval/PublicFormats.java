package dev.winnow.eval;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Questions as public data sets publish them: VQAv2 ({@code v2_OpenEnded_mscoco_*_questions.json} with
 * {@code v2_mscoco_*_annotations.json}), GQA ({@code *_balanced_questions.json}), TextVQA ({@code TextVQA_0.5.1_*.json}) and POPE
 * ({@code coco_pope_*.json}, one object a line).
 */
final class PublicFormats {
  private PublicFormats() {}

  static void read(DataSet set, JsonNode root, Path annotations) {
    if (root.path("questions").isArray()) {
      vqa2(set, root, annotations);
    } else if (root.path("data").isArray()) {
      textVqa(set, root.get("data"));
    } else if (root.isObject() && root.size() > 0 && root.elements().next().has("imageId")) {
      gqa(set, root);
    } else {
      throw new InvalidInputException(set.file() + ": is in no known format; give one JSON object a line with question and answer,"
          + " or a file of VQAv2, GQA, TextVQA or POPE");
    }
  }

  /** {@code {"question_id":1,"image":"COCO_val2014_000000310196.jpg","text":"Is there a snowboard in the image?","label":"yes"}}. */
  static void pope(DataSet set, JsonNode node, String where) {
    String label = Texts.field(node, "label", where);
    if (!label.equals("yes") && !label.equals("no")) {
      throw new InvalidInputException(where + ": the label '" + label + "' is neither yes nor no; correct it");
    }
    String family = node.hasNonNull("category") ? Texts.field(node, "category", where) : "pope";
    set.add(new EvalItem(Texts.field(node, "question_id", where), set.image(Texts.field(node, "image", where), where),
        Texts.field(node, "text", where), List.of(label), family, Metric.YES_NO), where);
  }

  private static void vqa2(DataSet set, JsonNode root, Path annotations) {
    if (annotations == null) {
      throw new InvalidInputException(set.file() + ": holds questions without answers, as VQAv2 has them; give the annotations file with"
          + " --annotations");
    }
    Map<String, JsonNode> answers = new HashMap<>();
    for (JsonNode node : Texts.parse(Texts.text(annotations), annotations.toString()).path("annotations")) {
      answers.put(Texts.field(node, "question_id", annotations.toString()), node);
    }
    String subset = root.path("data_subtype").asText("val2014");
    int number = 0;
    for (JsonNode node : root.get("questions")) {
      if (set.full()) return;
      String where = set.file() + " question " + ++number;
      String id = Texts.field(node, "question_id", where);
      JsonNode answer = answers.get(id);
      if (answer == null) {
        throw new InvalidInputException(annotations + ": has no answers for question " + id + "; give the file that belongs to "
            + set.file());
      }
      List<String> given = new ArrayList<>();
      for (JsonNode one : answer.path("answers")) given.add(Texts.field(one, "answer", annotations + " question " + id));
      if (given.isEmpty()) throw new InvalidInputException(annotations + ": question " + id + " has an empty list of answers; correct it");
      String image = padded(Texts.field(node, "image_id", where));
      String family = answer.path("answer_type").asText("all");
      Path picture = set.image(List.of("COCO_" + subset + "_" + image + ".jpg", image + ".jpg"), where);
      set.add(new EvalItem(id, picture, Texts.field(node, "question", where), given, family, Metric.CONSENSUS), where);
    }
  }

  /** COCO writes the number of a picture in twelve digits. */
  private static String padded(String id) {
    return id.matches("[0-9]{1,12}") ? String.format(Locale.ROOT, "%012d", Long.parseLong(id)) : id;
  }

  private static void textVqa(DataSet set, JsonNode data) {
    int number = 0;
    for (JsonNode node : data) {
      if (set.full()) return;
      String where = set.file() + " question " + ++number;
      List<String> answers = new ArrayList<>();
      for (JsonNode answer : node.path("answers")) answers.add(answer.asText());
      if (answers.isEmpty()) throw new InvalidInputException(where + ": has no answers, as in the test set; give the train or val file");
      String image = Texts.field(node, "image_id", where);
      set.add(new EvalItem(Texts.field(node, "question_id", where), set.image(List.of(image + ".jpg", image + ".png"), where),
          Texts.field(node, "question", where), answers, "textvqa", Metric.CONSENSUS), where);
    }
  }

  private static void gqa(DataSet set, JsonNode root) {
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      if (set.full()) return;
      String where = set.file() + " question " + field.getKey();
      JsonNode node = field.getValue();
      String image = Texts.field(node, "imageId", where);
      set.add(new EvalItem(field.getKey(), set.image(List.of(image + ".jpg", image + ".png"), where), Texts.field(node, "question", where),
          List.of(Texts.field(node, "answer", where)), node.path("types").path("structural").asText("gqa"), Metric.EXACT), where);
    }
  }
}
