package dev.winnow.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code winnow calibrate}: what is found by trying it on a model. */
@Command(name = "calibrate", mixinStandardHelpOptions = true, optionListHeading = "%nOptions:%n", commandListHeading = "%nCommands:%n",
    sortOptions = false, description = "Finds parameters of a method, or what a model costs on this machine, by trying.")
final class CalibrateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  private CalibrateCommand() {}

  static CommandLine with(Console console) {
    return new CommandLine(new CalibrateCommand()).addSubcommand(new CalibrateVtwCommand(console))
        .addSubcommand(new CalibratePyramidDropCommand(console)).addSubcommand(new CalibrateCostCommand(console));
  }

  /** Without a command of its own. */
  @Override public Integer call() {
    throw new ParameterException(spec.commandLine(), "nothing to calibrate given; name vtw, pyramiddrop or cost");
  }
}
