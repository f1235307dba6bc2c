package dev.winnow.explain;

import dev.winnow.InvalidInputException;
import dev.winnow.engine.Answer;
import dev.winnow.engine.Model;
import dev.winnow.engine.Question;
import dev.winnow.engine.Session;
import dev.winnow.eval.Variant;
import dev.winnow.prune.Plan;
import dev.winnow.vision.ImageReader;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.RgbImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Shows what pruning did for one question: pictures of every cut, and one page with all of it. */
public final class Explanation {
  private final Model model;
  private final String prompt;
  private final List<Path> files;
  private final int maxTokens;
  private final List<RgbImage> images = new ArrayList<>();
  private final List<PatchPicture> canvases = new ArrayList<>();
  private final List<TokenMap> maps = new ArrayList<>();

  /** @param files pictures that the question is about, one or more */
  public Explanation(Model model, String prompt, List<Path> files, int maxTokens) {
    if (files.isEmpty()) throw new InvalidInputException("there is nothing to explain without a picture; give one with --image");
    this.model = model;
    this.prompt = prompt;
    this.files = files;
    this.maxTokens = maxTokens;
    boolean several = files.size() > 1;
    for (Path file : files) {
      RgbImage image = ImageReader.read(file);
      PixelBatch pixels = model.images().prepare(image, several);
      images.add(image);
      canvases.add(new PatchPicture(model.images().tiles(image, several), pixels.grid(), model.config().vision().grid()));
      maps.add(TokenMap.of(pixels, model.config()));
    }
  }

  /**
   * Asks the question without pruning and under each variant, and writes {@code index.html}, which needs no other file, and a PNG a
   * picture.
   *
   * @param budget tokens per picture on average over the decoder's layers; empty for the variants' own settings
   * @return the page
   */
  public Path write(List<Variant> variants, OptionalInt budget, Path folder) {
    Answer plain = ask(Plan.NONE);
    ExplainPage page = new ExplainPage(folder, prompt, plain, model.config().text().layers());
    for (int i = 0; i < files.size(); i++) page.image(i, files.get(i).getFileName().toString(), canvases.get(i).plain());
    int tokens = maps.stream().mapToInt(map -> map.patches().size()).max().orElse(0);
    for (Variant variant : variants) {
      Answer answer = ask(variant.plan(model.shape(), budget, tokens));
      page.variant(variant, answer, new CutPictures(canvases, maps, model.config().text().layers()).draw(answer));
    }
    return page.write();
  }

  private Answer ask(Plan plan) {
    Question question = Question.of(prompt).plan(plan).maxTokens(maxTokens);
    images.forEach(question::image);
    try (Session session = model.newSession()) {
      return session.ask(question);
    }
  }
}
