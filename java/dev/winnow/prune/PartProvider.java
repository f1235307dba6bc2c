package dev.winnow.prune;

/**
 * Brings parts of one's own: implement it, name the class in {@code META-INF/services/dev.winnow.prune.PartProvider}, and put the jar on
 * the class path (for the command line: {@code WINNOW_CLASSPATH}). Plan files then know the parts by name.
 */
public interface PartProvider {
  /** Registers parts with {@link Parts#scorer}, {@link Parts#selector} and {@link Parts#merger}. Called once. */
  void register();
}
