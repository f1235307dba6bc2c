package dev.winnow.kernels;

/** Counter-based random numbers (splitmix64, Steele, Lea and Flood, 2014): the value at an index of a stream, without state. */
public final class SplitMix {
  private SplitMix() {}

  /** 64 random bits. */
  public static long bits(long seed, long index) {
    long z = (seed << 32) + index + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** Uniform in [0, 1), with 24 random bits, exact in float32. */
  public static float uniform(long seed, long index) { return (bits(seed, index) >>> 40) * 0x1p-24f; }
}
