package dev.winnow.decoder;

import java.util.Map;
import java.util.TreeMap;

/** Where the rows of one sequence stand and what they stand for, where images entered shortened. Images are added in their order. */
final class RowPlaces {
  private record Placed(int firstPosition, ImageRows rows) {}

  /** By original index of the image's first row. */
  private final TreeMap<Integer, Placed> images = new TreeMap<>();

  void add(int start, ImageRows rows) { images.put(start, new Placed(position(start), rows)); }

  boolean isEmpty() { return images.isEmpty(); }

  /** Forgets the images from an original index on. */
  void truncate(int length) { images.tailMap(length, true).clear(); }

  /** Whether positions are not simply the original indices. */
  boolean moved() {
    return images.values().stream().anyMatch(image -> image.rows().span() != image.rows().places().length);
  }

  /** Position of a row by its original index. */
  int position(int origin) {
    Map.Entry<Integer, Placed> image = images.floorEntry(origin);
    if (image == null) return origin;
    ImageRows rows = image.getValue().rows();
    int row = origin - image.getKey();
    int length = rows.places().length;
    return image.getValue().firstPosition() + (row < length ? rows.places()[row] : rows.span() + row - length);
  }

  /** How many tokens a row stands for; {@code even} takes the mean of its image. */
  float size(int origin, boolean even) {
    Map.Entry<Integer, Placed> image = images.floorEntry(origin);
    int row = image == null ? 0 : origin - image.getKey();
    if (image == null || row >= image.getValue().rows().places().length) return 1;
    return even ? image.getValue().rows().meanSize() : image.getValue().rows().sizes()[row];
  }
}
