package dev.winnow.cli;

import dev.winnow.engine.ModelOptions;
import dev.winnow.kernels.Dtype;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model to open, and where to compute. */
final class ModelMixin {
  @Option(names = "--model", required = true, paramLabel = "DIR", description = "Checkpoint folder, as published on Hugging Face.")
  private Path folder;

  @Option(names = "--clip", paramLabel = "DIR",
      description = "Folder of the CLIP that the model's vision tower comes from, such as openai/clip-vit-large-patch14-336:"
          + " cdpruner and eadp measure relevance with its text tower. Default: none.")
  private Path clip;

  @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "cpu", description = "cpu, cuda or cuda:N. Default: ${DEFAULT-VALUE}.")
  private String device;

  @Mixin private ThreadsMixin threads;

  Path folder() { return folder; }

  int threads() { return threads.count(); }

  ModelOptions in(Dtype dtype) { return new ModelOptions(dtype, device, threads.count(), clip); }
}
