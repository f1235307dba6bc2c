package dev.winnow.engine;

import dev.winnow.decoder.Segment;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Plan;
import java.util.List;

/**
 * Everything measured while one question was answered; {@link TraceJson} writes it as a trace.
 *
 * @param plan the plan that was used
 * @param promptIds ids of this turn's prompt, before image placeholders are expanded
 * @param segments segments of this turn's prompt, starting at 0
 * @param length rows of this turn's prompt
 * @param cuts what each cut did, in order
 * @param kv rows and bytes of the cache
 * @param firstLogits logits of the first generated token, float32 [vocab]; null if none was computed
 * @param flops of the prompt
 * @param timing milliseconds
 */
public record Report(Plan plan, int[] promptIds, List<Segment> segments, int length, List<CutRecord> cuts, Kv kv, float[] firstLogits,
    Flops flops, Timing timing) {
  /**
   * @param lengthsAfterPrompt rows per layer when the prompt was done, {@code lengthsAtEnd} when the answer was
   * @param bytesFull what the pool would hold for this session had nothing been removed
   * @param bytesHeld what the pool holds for it
   */
  public record Kv(int[] lengthsAfterPrompt, int[] lengthsAtEnd, long bytesFull, long bytesHeld) {
    public long bytesFreed() { return Math.max(0, bytesFull - bytesHeld); }
  }

  /**
   * Milliseconds of each stage; {@code pruning} is part of {@code vision} and {@code prompt}. {@code decodedTokens} were generated in
   * {@code decode}, after the first.
   */
  public record Timing(double image, double vision, double prompt, double pruning, double firstToken, double decode, int decodedTokens) {
    /** NaN where nothing was decoded after the first token. */
    public double tokensPerSecond() { return decodedTokens == 0 ? Double.NaN : decodedTokens * 1000 / decode; }
  }
}
