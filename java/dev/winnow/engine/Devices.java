package dev.winnow.engine;

import dev.winnow.InvalidInputException;
import dev.winnow.kernels.NativeLibrary;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch;

/** Opens devices by name. */
final class Devices {
  private Devices() {}

  /** Throws InvalidInputException saying what is missing for CUDA. */
  static Device open(String name) {
    if (name.startsWith("cuda")) {
      String problem = cudaProblem();
      if (!problem.isEmpty()) throw new InvalidInputException("device " + name + " cannot be used: " + problem + ", or use --device cpu");
    }
    return new Device(name);
  }

  /** Why CUDA cannot be used and what to do; empty if it can. */
  static String cudaProblem() {
    if (!torch.cuda_is_available()) {
      return "libtorch sees no CUDA; add org.bytedeco:pytorch with classifier linux-x86_64-gpu and a driver for CUDA 13";
    }
    return NativeLibrary.cudaDevices() == 0 ? "Winnow's CUDA kernels were not built or find no device; build with nvcc" : "";
  }
}
