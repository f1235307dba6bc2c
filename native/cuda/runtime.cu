// The CUDA runtime behind runtime.h, and the plugin's one exported symbol. Uses the primary context, so that pointers and streams of
// libtorch in the same process are valid here.
//
// Errors. The runtime is linked statically, so what it remembers as a thread's last error belongs to this library: an error that the
// application left pending in its own runtime is neither seen nor cleared here, and this library clears its own as it reports them. So
// nothing should be pending when a call begins; if something is (a program may share one runtime with this library), the call is refused
// and the error left for its owner. What a kernel does wrong while it runs is another matter: CUDA reports it to whatever call comes next,
// for good, and `failure` says so.
#include <cuda_runtime.h>

#include <cstdio>
#include <new>

#include "runtime.h"

namespace wn_cuda {
namespace {

constexpr size_t kSharedByDefault = 48 * 1024;

thread_local char message[512] = "";

// Whether an error is one that only a running kernel can cause: a launch that returns it tells of work given to the device before.
bool of_earlier_work(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorECCUncorrectable: return true;
    default: return false;
  }
}

// Reports an error that a call met with, and clears it where CUDA lets it be cleared.
int32_t failure(const char* what, cudaError_t error) {
  cudaGetLastError();
  const char* text = cudaGetErrorString(error);
  if (of_earlier_work(error)) {
    std::snprintf(message, sizeof message,
                  "%s: CUDA: %s: a kernel that was launched earlier, by any part of this process, failed, and CUDA reports it now; "
                  "compute-sanitizer finds the kernel, and the process has to be started anew to use CUDA again",
                  what, text);
  } else {
    std::snprintf(message, sizeof message, "%s: CUDA: %s", what, text);
  }
  return WN_EDEVICE;
}

int32_t pending_before(const char* function, cudaError_t error) {
  std::snprintf(message, sizeof message,
                "%s: CUDA: %s: this error was pending before the call, from earlier work on this thread; nothing was launched and the "
                "error is left pending: see to it and take it with cudaGetLastError",
                function, cudaGetErrorString(error));
  return WN_EDEVICE;
}

// Loads a kernel on the current device, as is necessary to tell its attributes, and allows it its shared memory.
cudaError_t prepare(const Kernel& kernel, int32_t shared_bytes) {
  cudaFuncAttributes own;
  cudaError_t error = cudaFuncGetAttributes(&own, kernel.function);
  if (error != cudaSuccess) return error;
  size_t most = size_t(shared_bytes) - own.sharedSizeBytes, shared = kernel.shared < most ? kernel.shared : most;
  if (kernel.shared == 0 || shared + own.sharedSizeBytes <= kSharedByDefault) return cudaSuccess;
  return cudaFuncSetAttribute(kernel.function, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared));
}

// Loads all kernels on a device. CUDA would load each at its first launch, which synchronises and is forbidden while a graph is captured.
int32_t prepare_all(int32_t ordinal, int32_t shared_bytes) {
  for (KernelList list : {row_kernels(), select_kernels(), score_kernels(), sim_kernels(), greedy_kernels()}) {
    for (const Kernel& kernel : list) {
      cudaError_t error = prepare(kernel, shared_bytes);
      if (error == cudaSuccess) continue;
      cudaGetLastError();
      const char* remedy = error == cudaErrorStreamCaptureUnsupported ? "; make the context before the capture begins" : "";
      if (error == cudaErrorNoKernelImageForDevice || error == cudaErrorInvalidDeviceFunction || error == cudaErrorUnsupportedPtxVersion) {
        remedy = "; build the CUDA library for it with -DWINNOW_CUDA_ARCHITECTURES, or update the driver";
      }
      std::snprintf(message, sizeof message, "CUDA device %d cannot load %s: %s%s", ordinal, kernel.name, cudaGetErrorString(error),
                    remedy);
      return WN_EUNSUPPORTED;
    }
  }
  return WN_OK;
}

}  // namespace

int32_t refuse(int32_t status, const char* text) {
  std::snprintf(message, sizeof message, "%s", text);
  return status;
}

Call::Call(const wn_cuda_device& device, const char* function)
    : function_(function), ordinal_(device.ordinal), previous_(device.ordinal) {
  cudaError_t error = cudaPeekAtLastError();
  if (error != cudaSuccess) {
    status_ = of_earlier_work(error) ? failure(function, error) : pending_before(function, error);
    return;
  }
  error = cudaGetDevice(&previous_);
  if (error == cudaSuccess && previous_ != ordinal_) error = cudaSetDevice(ordinal_);
  if (error == cudaSuccess) return;
  previous_ = ordinal_;
  status_ = failure(function, error);
}

Call::~Call() {
  // It was current before, so that only an error that no call survives can stand in the way; the caller's next CUDA call meets with it.
  if (previous_ != ordinal_ && cudaSetDevice(previous_) != cudaSuccess) cudaGetLastError();
}

int32_t Call::finish() {
  cudaError_t error = cudaPeekAtLastError();
  return error == cudaSuccess ? WN_OK : failure(function_, error);
}

namespace {

const char* last_error() { return message; }

int32_t device_count() {
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess) return count;
  failure("no usable CUDA device", error);
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
  if (error != cudaSuccess) return failure("wn_ctx_create", error);
  if (major < 8) {
    std::snprintf(message, sizeof message, "CUDA device %d has compute capability %d.x; the kernels need 8.0 or later", ordinal, major);
    return WN_EUNSUPPORTED;
  }
  wn_cuda_device* device = new (std::nothrow) wn_cuda_device{ordinal, processors, shared_bytes};
  if (!device) return refuse(WN_ENOMEM, "wn_ctx_create: no memory");
  Call call(*device, "wn_ctx_create");
  int32_t status = call.begun() ? prepare_all(ordinal, shared_bytes) : call.status();
  if (status != WN_OK) {
    delete device;
    return status;
  }
  *out = device;
  return WN_OK;
}

void close(wn_cuda_device* device) { delete device; }

constexpr wn_cuda_plugin kTable = {
    sizeof(wn_cuda_plugin), WN_ABI_VERSION, last_error,       device_count, open,   close,       score_workspace, score,     sim_workspace,
    sim,                    greedy_workspace, greedy,         select_workspace,     select,      gather_rows,     kv_compact, merge_rows,
};

}  // namespace

}  // namespace wn_cuda

extern "C" const wn_cuda_plugin* wn_cuda_plugin_get(void) { return &wn_cuda::kTable; }
