// The CUDA runtime behind runtime.h, and the plugin's one exported symbol. Uses the primary context, so that pointers and streams of
// libtorch in the same process are valid here.
#include <cuda_runtime.h>

#include <cstdio>
#include <new>

#include "table.h"

namespace wn_cuda {
namespace {

thread_local char message[512] = "";

int32_t device_error(const char* what, cudaError_t error) {
  std::snprintf(message, sizeof message, "%s: CUDA: %s", what, cudaGetErrorString(error));
  return WN_EDEVICE;
}

}  // namespace

int32_t refuse(int32_t status, const char* text) {
  std::snprintf(message, sizeof message, "%s", text);
  return status;
}

int32_t launched(const char* what) {
  cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? WN_OK : device_error(what, error);
}

// An ordinal that cannot be made current shows as an error of the launch that follows.
DeviceScope::DeviceScope(const wn_cuda_device& device) : previous_(device.ordinal), ordinal_(device.ordinal) {
  cudaGetDevice(&previous_);
  if (previous_ != device.ordinal) cudaSetDevice(device.ordinal);
}

DeviceScope::~DeviceScope() {
  if (previous_ != ordinal_) cudaSetDevice(previous_);
}

const char* last_error() { return message; }

int32_t device_count() {
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess) return count;
  cudaGetLastError();
  device_error("no usable CUDA device", error);
  return 0;
}

int32_t open(int32_t ordinal, wn_cuda_device** out) {
  int count = device_count();
  if (count == 0) return WN_EUNSUPPORTED;
  if (ordinal >= count) {
    std::snprintf(message, sizeof message, "CUDA device %d is asked for, there are %d", ordinal, count);
    return WN_EUNSUPPORTED;
  }
  int processors = 0, shared_bytes = 0, major = 0;
  cudaError_t error = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, ordinal);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, ordinal);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, ordinal);
  if (error != cudaSuccess) return device_error("wn_ctx_create", error);
  if (major < 8) {
    std::snprintf(message, sizeof message, "CUDA device %d has compute capability %d.x; the kernels need 8.0 or later", ordinal, major);
    return WN_EUNSUPPORTED;
  }
  wn_cuda_device* device = new (std::nothrow) wn_cuda_device{ordinal, processors, shared_bytes};
  if (!device) return refuse(WN_ENOMEM, "wn_ctx_create: no memory");
  *out = device;
  return WN_OK;
}

void close(wn_cuda_device* device) { delete device; }

}  // namespace wn_cuda

extern "C" const wn_cuda_plugin* wn_cuda_plugin_get(void) { return &wn_cuda::kTable; }
