package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Folders for results. */
final class OutFolder {
  private OutFolder() {}

  /** Makes a folder that can be written, before any work is done for it. */
  static void prepare(Path folder) {
    try {
      Files.createDirectories(folder);
      if (Files.isWritable(folder)) return;
    } catch (FileAlreadyExistsException e) {
      throw new InvalidInputException("there is a file where the folder " + folder + " should be; name another with --out", e);
    } catch (IOException e) {
      throw new InvalidInputException("the folder " + folder + " cannot be made (" + e.getClass().getSimpleName()
          + "); name another with --out", e);
    }
    throw new InvalidInputException("the folder " + folder + " cannot be written; name another with --out");
  }
}
