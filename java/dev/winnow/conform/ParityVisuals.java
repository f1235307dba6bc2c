package dev.winnow.conform;

import dev.winnow.engine.Model;
import dev.winnow.engine.VideoEncoder;
import dev.winnow.kernels.Dtype;
import dev.winnow.kernels.Tensors;
import dev.winnow.vision.ImageReader;
import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.Video;
import dev.winnow.vision.VideoFrames;
import dev.winnow.vision.VisionObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** The pictures and videos of one conversation of a parity file, from their files to their rows in the language model. */
final class ParityVisuals {
  static final double FEATURES = 2e-4;
  private static final double LOSSLESS_PIXELS = 1e-6;
  private static final double DECODED_PIXELS = 0.04;

  private final Model model;
  private final Path base;
  private final CaseNode oneCase;
  private final Check check;
  private final boolean exact;

  ParityVisuals(Model model, Path base, CaseNode oneCase, Check check) {
    this.model = model;
    this.base = base;
    this.oneCase = oneCase;
    this.check = check;
    this.exact = model.dtype() == Dtype.FLOAT32;
  }

  /** Rows of each picture; they belong to the scope. */
  List<Tensor> images(PointerScope scope) {
    List<float[]> pixels = new ArrayList<>();
    List<float[]> features = new ArrayList<>();
    List<Tensor> rows = new ArrayList<>();
    TowerSums sums = new TowerSums(model.config().vision().layers());
    boolean lossless = true;
    for (CaseNode image : oneCase.get("images")) {
      PixelBatch batch = model.images().prepare(ImageReader.read(base.resolve(image.asText())), oneCase.get("images").size() > 1);
      pixels.add(batch.pixels());
      features.add(Tensors.toFloats(Tensors.adopt(scope, model.images().features(batch, sums))));
      rows.add(Tensors.adopt(scope, model.images().encode(batch, VisionObserver.NONE)));
      lossless &= !image.asText().endsWith(".jpg");
    }
    if (rows.isEmpty() || !exact) return rows;
    CaseNode wantedPixels = oneCase.has("pixel_values") ? oneCase.get("pixel_values") : oneCase.path("pixel_values_images");
    summary(check, "pixel_values", join(filled(pixels)), wantedPixels, lossless ? LOSSLESS_PIXELS : DECODED_PIXELS);
    sums.compare("image_tower_layers", oneCase.path("image_tower_layers"), check);
    summary("image_vision_hidden", features);
    rows("image", rows);
    return rows;
  }

  /** Rows of each video; they belong to the scope. */
  List<Tensor> videos(PointerScope scope) {
    List<Tensor> rows = new ArrayList<>();
    List<float[]> pixels = new ArrayList<>();
    List<float[]> features = new ArrayList<>();
    List<float[]> pooled = new ArrayList<>();
    List<float[]> projected = new ArrayList<>();
    TowerSums sums = new TowerSums(model.config().vision().layers());
    VideoEncoder encoder = model.videos();
    for (Video video : videos(oneCase, base)) {
      VideoFrames frames = encoder.prepare(video);
      PixelBatch batch = encoder.pixels(frames, 0, frames.count());
      Tensor fromTower = Tensors.adopt(scope, encoder.features(batch, sums));
      Tensor toProjector = Tensors.adopt(scope, encoder.pooled(fromTower));
      pixels.add(batch.pixels());
      features.add(Tensors.toFloats(fromTower));
      pooled.add(Tensors.toFloats(toProjector));
      projected.add(Tensors.toFloats(Tensors.adopt(scope, encoder.projected(toProjector))));
      rows.add(Tensors.adopt(scope, encoder.encode(frames)));
    }
    if (rows.isEmpty() || !exact) return rows;
    summary(check, "pixel_values_videos", join(pixels), oneCase.path("pixel_values_videos"), LOSSLESS_PIXELS);
    sums.compare("video_tower_layers", oneCase.path("video_tower_layers"), check);
    summary("video_vision_hidden", features);
    summary("video_pooled", pooled);
    summary("video_projector", projected);
    rows("video", rows);
    return rows;
  }

  /** The videos that a case names. */
  static List<Video> videos(CaseNode oneCase, Path base) {
    List<Video> videos = new ArrayList<>();
    for (CaseNode video : oneCase.path("videos")) {
      List<Path> frames = new ArrayList<>();
      video.forEach(frame -> frames.add(base.resolve(frame.asText())));
      videos.add(new Video(frames));
    }
    return videos;
  }

  private void rows(String kind, List<Tensor> rows) {
    summary(kind + "_features", rows.stream().map(Tensors::toFloats).toList());
    int[] lengths = rows.stream().mapToInt(row -> (int) row.size(0)).toArray();
    check.ints(kind + "_feature_lengths", lengths, oneCase.get(kind + "_feature_lengths"));
  }

  private void summary(String what, List<float[]> parts) { summary(check, what, join(parts), oneCase.path(what), FEATURES); }

  /** An array given as shape, sums and sampled values. */
  static void summary(Check check, String what, float[] got, CaseNode wanted, double tolerance) {
    if (wanted.isMissingNode()) return;
    long size = 1;
    for (CaseNode n : wanted.get("shape")) size *= n.asLong();
    check.same(what + ".size", (long) got.length, size);
    if (got.length != size) return;
    CaseNode index = wanted.get("index");
    for (int i = 0; i < index.size(); i++) {
      double value = wanted.get("value").get(i).asDouble();
      int at = index.get(i).asInt();
      check.close(what + "[" + at + "]", got[at], value, allowed(tolerance, value));
    }
    if (tolerance <= FEATURES) TowerSums.compareSums(what, got, wanted, check);
  }

  /** Features and what follows from them may also be off by a share of their size. */
  static double allowed(double tolerance, double wanted) { return tolerance + (tolerance >= FEATURES ? 1e-4 * Math.abs(wanted) : 0); }

  /** Pictures with fewer tiles than the most are filled up with zeros, as the reference batches them. */
  private static List<float[]> filled(List<float[]> pixels) {
    int most = pixels.stream().mapToInt(part -> part.length).max().orElse(0);
    return pixels.stream().map(part -> Arrays.copyOf(part, most)).toList();
  }

  private static float[] join(List<float[]> parts) {
    float[] all = new float[parts.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }
}
