package dev.winnow.checkpoint;

import java.util.Arrays;
import java.util.function.Function;
import java.util.function.IntPredicate;

/**
 * Decodes an answer token by token. The chunks, joined, are the text that decoding all ids at once gives. A character that
 * several tokens spell is held back until it is whole; only {@link #finish} gives out the remains of one that never was.
 *
 * <p>Tokens are not decoded alone, because a tokenizer drops the space before the first one: a chunk is what the new tokens
 * add to the text of the last few tokens.
 */
public final class StreamDecoder {
  private static final char REPLACEMENT = '\uFFFD';

  private final Function<int[], String> decode;
  private final IntPredicate textToken;
  private final IntPredicate byteToken;
  private int[] ids = new int[64];
  private int count;
  /** Start of the tokens that are decoded again as context; text up to {@code given} has been given out. */
  private int context;
  private int given;

  /**
   * @param decode text of ids, special tokens left out
   * @param textToken whether an id stands for text at all; special tokens and ids beyond the vocabulary do not
   * @param byteToken whether an id stands for one byte: whether a row of such tokens is valid UTF-8 is decided by its end
   */
  StreamDecoder(Function<int[], String> decode, IntPredicate textToken, IntPredicate byteToken) {
    this.decode = decode;
    this.textToken = textToken;
    this.byteToken = byteToken;
  }

  /** Adds one token and returns the text that is now certain; empty while a character is incomplete. */
  public String add(int id) {
    if (!textToken.test(id)) return "";
    if (count == ids.length) ids = Arrays.copyOf(ids, 2 * count);
    ids[count++] = id;
    if (byteToken.test(id)) return "";
    String text = pending();
    return text.isEmpty() || text.charAt(text.length() - 1) == REPLACEMENT ? "" : give(text);
  }

  /** Ends the answer and returns what was held back. */
  public String finish() { return give(pending()); }

  private String pending() {
    String before = context == given ? "" : text(context, given);
    String all = text(context, count);
    return all.substring(Math.min(before.length(), all.length()));
  }

  private String give(String text) {
    // tokens without text do not move on: the context must begin with text, or its first space would be dropped again
    if (!text.isEmpty()) {
      context = given;
      given = count;
    }
    return text;
  }

  private String text(int from, int to) { return decode.apply(Arrays.copyOfRange(ids, from, to)); }
}
