package dev.winnow.checkpoint;

import java.util.List;

/**
 * SLF4J, which the tokenizer library logs to. In a program that binds nothing to it, it prints a warning at first use; such a program wants
 * no log. Where something is bound, nothing is changed.
 */
final class LoggingFacade {
  /** Read by SLF4J when it is first used. */
  private static final String VERBOSITY = "slf4j.internal.verbosity";
  /** What tells of a binding to SLF4J 2, and of one to 1.7, which SLF4J 2 warns of as well. */
  private static final List<String> BINDINGS = List.of("META-INF/services/org.slf4j.spi.SLF4JServiceProvider",
      "org/slf4j/impl/StaticLoggerBinder.class");

  private LoggingFacade() {}

  /** To be called before the library is used. */
  static void quietUnlessBound() {
    if (System.getProperty(VERBOSITY) == null && !isBound(LoggingFacade.class.getClassLoader())) System.setProperty(VERBOSITY, "ERROR");
  }

  static boolean isBound(ClassLoader loader) { return BINDINGS.stream().anyMatch(name -> loader.getResource(name) != null); }
}
