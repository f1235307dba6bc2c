package dev.winnow.cli;

import dev.winnow.InvalidInputException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Stack;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * Collects turns in the order in which they are typed: pictures and videos, then the text that closes the turn. Option groups would not
 * do: they forget the order in which options of one group came.
 */
final class TurnsParser implements IParameterConsumer {
  /**
   * One turn of the user.
   *
   * @param videos folders of frames
   */
  record Turn(List<Path> images, List<Path> videos, String text) {}

  /** A command that has turns. */
  interface Holder {
    TurnsParser turns();
  }

  private final List<Turn> complete = new ArrayList<>();
  private List<Path> images = new ArrayList<>();
  private List<Path> videos = new ArrayList<>();

  /** The turns; throws InvalidInputException where the last one has pictures or videos but no text, or there is none. */
  List<Turn> finish() {
    if (!images.isEmpty() || !videos.isEmpty()) {
      String first = images.isEmpty() ? "--video " + videos.get(0) : "--image " + images.get(0);
      throw new InvalidInputException(first + " is followed by no --prompt; pictures and videos come before the text of their turn");
    }
    if (complete.isEmpty()) throw new InvalidInputException("there is no question; give one with --prompt TEXT");
    return List.copyOf(complete);
  }

  @Override public void consumeParameters(Stack<String> args, ArgSpec option, CommandSpec command) {
    ((Holder) command.userObject()).turns().take(((OptionSpec) option).longestName(), args, command);
  }

  private void take(String name, Stack<String> args, CommandSpec command) {
    if (args.isEmpty() || command.findOption(args.peek()) != null) throw wrong(name + " needs a value", command);
    String value = args.pop();
    switch (name) {
      case "--image" -> images.add(path(name, value, command));
      case "--video" -> videos.add(path(name, value, command));
      default -> {
        complete.add(new Turn(images, videos, value));
        images = new ArrayList<>();
        videos = new ArrayList<>();
      }
    }
  }

  private static Path path(String option, String name, CommandSpec command) {
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw wrong(option + " " + name + " is no file name: " + e.getReason(), command);
    }
  }

  private static ParameterException wrong(String message, CommandSpec command) {
    return new ParameterException(command.commandLine(), message);
  }
}
