#include "emulated_runtime.h"

#include "engine.h"

namespace simt {

Runtime& runtime() {
  static Runtime instance;
  return instance;
}

namespace {

// A call's own result; remembered if it is an error, as the runtime does.
cudaError_t result(cudaError_t own) {
  Runtime& r = runtime();
  if (r.broken != cudaSuccess) own = r.broken;
  if (own != cudaSuccess) r.last_error = own;
  return own;
}

}  // namespace
}  // namespace simt

extern "C" __attribute__((visibility("default"))) simt::Runtime* simt_runtime_of_plugin() { return &simt::runtime(); }

using simt::result;
using simt::runtime;

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorNoKernelImageForDevice: return "no kernel image is available for execution on the device";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    default: return "another error";
  }
}

cudaError_t cudaGetLastError() {
  cudaError_t last = cudaPeekAtLastError();
  runtime().last_error = cudaSuccess;
  return last;
}

cudaError_t cudaPeekAtLastError() { return runtime().broken != cudaSuccess ? runtime().broken : runtime().last_error; }

cudaError_t cudaGetDevice(int* device) {
  *device = runtime().device;
  return result(cudaSuccess);
}

cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= runtime().devices) return result(cudaErrorInvalidDevice);
  runtime().device = device;
  simt::set_device(device);
  return result(cudaSuccess);
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = runtime().devices;
  return result(runtime().devices > 0 ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (device < 0 || device >= runtime().devices) return result(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount: *value = 4; break;
    case cudaDevAttrComputeCapabilityMajor: *value = runtime().major; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 96 * 1024; break;
  }
  return result(cudaSuccess);
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
  if (runtime().loading_fails != cudaSuccess) return result(runtime().loading_fails);
  // From here on every kernel has to be loaded before it is launched.
  simt::require_loaded(true);
  simt::load_kernel(function);
  ++runtime().loaded;
  attributes->sharedSizeBytes = 1024;  // about as much as kernels with dynamic shared memory have of their own: known only when they run
  return result(cudaSuccess);
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute, int value) {
  simt::allow_shared(function, size_t(value));
  ++runtime().allowed;
  return result(cudaSuccess);
}
