package dev.winnow.engine;

import dev.winnow.vision.PixelBatch;
import dev.winnow.vision.VideoFrames;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a question shows, ready for the towers. Pictures are numbered before videos, as the chat formats place them.
 *
 * @param pictures prepared one by one
 * @param videos frames of each video
 */
record Visuals(List<PixelBatch> pictures, List<VideoFrames> videos) {
  /** The pictures of a question, read and prepared. */
  static Visuals pictures(Model model, Question question) {
    boolean several = question.images().size() > 1;
    return new Visuals(question.images().stream().map(image -> model.images().prepare(image.get(), several)).toList(), List.of());
  }

  /** The same with the videos of the question, read and prepared. */
  Visuals withVideos(Model model, Question question) {
    return new Visuals(pictures, question.videos().stream().map(video -> model.videos().prepare(video)).toList());
  }

  int count() { return pictures.size() + videos.size(); }

  /** Rows of each picture and video when nothing is removed. */
  int[] tokens(Model model) {
    return IntStream.concat(pictures.stream().mapToInt(model.images()::tokens),
        videos.stream().mapToInt(video -> model.videos().tokens(video.count()))).toArray();
  }

  /** Tiles and frames that go through a tower. */
  int tiles() {
    return pictures.stream().mapToInt(PixelBatch::tiles).sum() + videos.stream().mapToInt(VideoFrames::count).sum();
  }
}
