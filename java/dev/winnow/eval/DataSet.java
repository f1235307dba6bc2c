package dev.winnow.eval;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.InvalidInputException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Questions with right answers, read from a file. The own format is one JSON object a line,
 * {@code {"id"?, "image"?, "question", "answer": text or list of texts, "family"?, "metric"?}}; the formats of VQAv2, GQA, TextVQA and POPE
 * are recognised by what is in the file and read as published.
 */
public final class DataSet {
  private final Path file;
  private final Path images;
  private final List<EvalItem> items = new ArrayList<>();
  private final Set<String> ids = new HashSet<>();
  private final Set<String> families;
  private final int limit;

  private DataSet(Path file, Path images, Set<String> families, int limit) {
    this.file = file;
    this.images = images;
    this.families = families;
    this.limit = limit;
  }

  /**
   * @param annotations the answers, where the format keeps them apart (VQAv2); null otherwise
   * @param images folder of the pictures; null for the folder of the file, or {@code images} in it
   * @param families families to take; empty for all
   * @param limit most questions to take, from the start; 0 for all
   * @throws InvalidInputException naming file, line and what is wrong, or the first picture that is not there
   */
  public static List<EvalItem> read(Path file, Path annotations, Path images, Set<String> families, int limit) {
    if (limit < 0) throw new InvalidInputException("limit must be 0 or more, not " + limit);
    String text = Texts.text(file);
    DataSet set = new DataSet(file, images, Set.copyOf(families), limit);
    if (linewise(file, text)) set.lines(text);
    else PublicFormats.read(set, Texts.parse(text, file.toString()), annotations);
    if (set.items.isEmpty()) {
      throw new InvalidInputException(file + ": has no questions" + (families.isEmpty() ? "; give a file with at least one"
          : " of " + String.join(", ", families) + "; name other families"));
    }
    for (EvalItem item : set.items) {
      if (item.image() != null && !Files.isRegularFile(item.image())) {
        throw new InvalidInputException(file + ": question " + item.id() + " is about " + item.image() + ", which is not there; give the"
            + " folder with --images");
      }
    }
    return List.copyOf(set.items);
  }

  /** Files of one object a line begin with a line that is an object with a question in it. */
  private static boolean linewise(Path file, String text) {
    if (file.toString().endsWith(".jsonl")) return true;
    String first = text.lines().filter(line -> !line.isBlank()).findFirst().orElse("");
    if (!first.startsWith("{") || !first.stripTrailing().endsWith("}")) return false;
    JsonNode node = Texts.parse(first, file + " line 1");
    return node.hasNonNull("question") || node.hasNonNull("text");
  }

  private void lines(String text) {
    int number = 0;
    for (String line : (Iterable<String>) text.lines()::iterator) {
      number++;
      if (line.isBlank()) continue;
      if (full()) return;
      String where = file + " line " + number;
      JsonNode node = Texts.parse(line, where);
      if (!node.isObject()) throw new InvalidInputException(where + ": is no JSON object; write one object a line");
      if (node.has("label") && node.has("text")) PublicFormats.pope(this, node, where);
      else own(node, number, where);
    }
  }

  private void own(JsonNode node, int number, String where) {
    if (node.hasNonNull("video") || node.hasNonNull("videos")) {
      throw new InvalidInputException(where + ": is about a video, and data sets are of pictures; leave it out, and ask about videos with"
          + " winnow ask --video");
    }
    String id = node.hasNonNull("id") ? Texts.field(node, "id", where) : String.valueOf(number);
    List<String> answers = new ArrayList<>();
    if (node.path("answer").isArray()) {
      for (JsonNode answer : node.get("answer")) {
        if (!answer.isValueNode() || answer.isNull()) {
          throw new InvalidInputException(where + ": 'answer' holds something that is no text; correct it");
        }
        answers.add(answer.asText());
      }
    } else {
      answers.add(Texts.field(node, "answer", where));
    }
    if (answers.isEmpty()) throw new InvalidInputException(where + ": 'answer' is an empty list; give at least one answer");
    String family = node.hasNonNull("family") ? Texts.field(node, "family", where) : "all";
    Metric metric = node.hasNonNull("metric") ? Metric.of(Texts.field(node, "metric", where)) : Metric.suited(family, answers);
    Path image = node.hasNonNull("image") ? image(Texts.field(node, "image", where), where) : null;
    add(new EvalItem(id, image, Texts.field(node, "question", where), answers, family, metric), where);
  }

  boolean full() { return limit > 0 && items.size() == limit; }

  Path file() { return file; }

  void add(EvalItem item, String where) {
    if (!ids.add(item.id())) throw new InvalidInputException(where + ": the id " + item.id() + " occurs twice; make ids unique");
    if (families.isEmpty() || families.contains(item.family())) items.add(item);
  }

  /** The first of some names that is there, or the first name where none is. */
  Path image(List<String> names, String where) {
    for (String name : names) {
      Path candidate = image(name, where);
      if (Files.isRegularFile(candidate)) return candidate;
    }
    return image(names.get(0), where);
  }

  Path image(String name, String where) {
    try {
      if (images != null) return images.resolve(name);
      Path beside = file.toAbsolutePath().getParent().resolve(name);
      Path below = file.toAbsolutePath().getParent().resolve("images").resolve(name);
      return Files.isRegularFile(beside) || !Files.isRegularFile(below) ? beside : below;
    } catch (InvalidPathException e) {
      throw new InvalidInputException(where + ": '" + name + "' is no file name; correct it", e);
    }
  }
}
