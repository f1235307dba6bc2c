package dev.winnow.prune;

import dev.winnow.InvalidInputException;

/**
 * A place in the forward pass where tokens can be removed.
 *
 * @param kind where
 * @param index block of {@code vision:N} or layer of {@code layer:N}, 0-based; -1 where the kind has none
 */
public record Site(Kind kind, int index) {
  public enum Kind {
    /** Output of a vision block. */
    VISION_BLOCK("vision", true),
    /** Before the projector. */
    VISION("vision", false),
    /** After the projector. */
    PROJECTED("projected", false),
    /** Input of a decoder layer. */
    LAYER("layer", true),
    /** End of the prompt: rows of the KV cache. */
    CACHE("cache", false),
    /** While generating: rows of the KV cache. */
    DECODE("decode", false);

    private final String word;
    private final boolean indexed;

    Kind(String word, boolean indexed) {
      this.word = word;
      this.indexed = indexed;
    }
  }

  public static final Site VISION = new Site(Kind.VISION, -1);

  public static final Site PROJECTED = new Site(Kind.PROJECTED, -1);

  public static Site visionBlock(int index) { return new Site(Kind.VISION_BLOCK, index); }

  public static Site layer(int index) { return new Site(Kind.LAYER, index); }

  /** Reads {@code layer:4}, {@code vision}, {@code vision:0}, ...; throws InvalidInputException naming the text. */
  public static Site parse(String text) {
    String[] parts = text.split(":", 2);
    for (Kind kind : Kind.values()) {
      if (!kind.word.equals(parts[0]) || kind.indexed != (parts.length == 2)) continue;
      if (!kind.indexed) return new Site(kind, -1);
      if (parts[1].matches("[0-9]{1,4}")) return new Site(kind, Integer.parseInt(parts[1]));
    }
    throw new InvalidInputException("'" + text + "' is no site; sites are vision:N, vision, projected, layer:N, cache, decode");
  }

  @Override public String toString() { return kind.indexed ? kind.word + ":" + index : kind.word; }
}
