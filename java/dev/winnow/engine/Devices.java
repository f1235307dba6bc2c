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
      if (!torch.cuda_is_available()) {
        throw new InvalidInputException("device " + name + " cannot be used: libtorch sees no CUDA; add org.bytedeco:pytorch with classifier"
            + " linux-x86_64-gpu and a driver for CUDA 13, or use --device cpu");
      }
      if (NativeLibrary.cudaDevices() == 0) {
        throw new InvalidInputException("device " + name + " cannot be used: Winnow's CUDA kernels were not built or find no device; build with nvcc, or use --device cpu");
      }
    }
    return new Device(name);
  }
}
