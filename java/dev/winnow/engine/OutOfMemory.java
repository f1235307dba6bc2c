package dev.winnow.engine;

import dev.winnow.InsufficientMemoryException;

/** Turns the allocators' own errors into ours. */
final class OutOfMemory {
  private OutOfMemory() {}

  static InsufficientMemoryException explain(Throwable e) {
    String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    String remedy = reason.contains("Physical memory") ? "start Java with -Dorg.bytedeco.javacpp.maxPhysicalBytes=0"
        : "raise -Xmx, close sessions or shorten the prompt";
    return new InsufficientMemoryException("out of memory (" + reason + "); " + remedy, e);
  }
}
