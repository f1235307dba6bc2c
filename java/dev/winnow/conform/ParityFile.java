package dev.winnow.conform;

import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import dev.winnow.checkpoint.TensorFile;
import dev.winnow.checkpoint.Weights;
import dev.winnow.engine.Model;
import dev.winnow.engine.ModelOptions;
import dev.winnow.kernels.Dtype;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Files of {@code parity/goldens/models}: every case through the checkpoint in float32, through each folder that holds the same weights,
 * and in bfloat16 where the file has that.
 */
final class ParityFile {
  private ParityFile() {}

  static boolean recognises(CaseNode root) { return root.has("path") && root.has("family") && root.path("cases").isArray(); }

  static List<Conformance.Result> run(Path file, CaseNode root) {
    Path base = base(file, root.get("path").asText());
    List<Conformance.Result> results = new ArrayList<>();
    List<String> folders = new ArrayList<>(List.of(root.get("path").asText()));
    root.path("same_weights_in").forEach(name -> folders.add("models/" + name.asText()));
    for (String folder : folders) runFolder(file, root, base, folder, Dtype.FLOAT32, results);
    if (root.get("cases").path(0).has("bf16_arithmetic")) runFolder(file, root, base, folders.get(0), Dtype.BFLOAT16, results);
    return results;
  }

  private static void runFolder(Path file, CaseNode root, Path base, String folder, Dtype dtype, List<Conformance.Result> results) {
    String suffix = dtype == Dtype.BFLOAT16 ? " [bfloat16]"
        : folder.equals(root.get("path").asText()) ? "" : " [" + folder.substring(folder.lastIndexOf('/') + 1) + "]";
    try (Model model = Model.open(base.resolve(folder), new ModelOptions(dtype, "cpu", 0));
        Weights tensors = TensorFile.open(file.resolveSibling(root.get("tensors").asText()))) {
      for (CaseNode oneCase : root.get("cases")) results.add(runCase(file, base, model, tensors, oneCase, suffix));
    } catch (WinnowException e) {
      Check check = ParityCase.newCheck();
      check.same("open " + folder, e.getMessage(), "a model");
      results.add(Conformance.result(file, folder, check));
    }
  }

  private static Conformance.Result runCase(Path file, Path base, Model model, Weights tensors, CaseNode oneCase, String suffix) {
    Check check = ParityCase.newCheck();
    try {
      new ParityCase(model, base, oneCase, tensors, check).run();
    } catch (WinnowException e) {
      check.same("error", e.getMessage(), "none");
    }
    return Conformance.result(file, oneCase.path("id").asText() + suffix, check);
  }

  /** The folder that paths inside the file are relative to: the file's own or the nearest above it that has them. */
  private static Path base(Path file, String inside) {
    for (Path at = file.toAbsolutePath().getParent(); at != null; at = at.getParent()) if (Files.isDirectory(at.resolve(inside))) return at;
    throw new InvalidInputException(file + ": there is no folder " + inside + " beside the file or above it");
  }
}
