package dev.winnow.checkpoint;

/**
 * Rotary embedding of a text model.
 *
 * @param type "default", "linear" or "llama3" (the only ones supported; others are refused at loading)
 * @param theta base of the frequencies
 * @param factor scaling factor (1 for "default")
 * @param lowFreqFactor "llama3" only
 * @param highFreqFactor "llama3" only
 * @param originalMaxPositions "llama3" only
 */
public record RopeConfig(String type, double theta, double factor, double lowFreqFactor, double highFreqFactor, int originalMaxPositions) {
  public static RopeConfig plain(double theta) { return new RopeConfig("default", theta, 1, 1, 4, 8192); }
}
