// Finds the CUDA library. Its absence is an answer: the CPU goes on working.
#include "context.h"
#include "status.h"

namespace wn {

const Device* cuda_device(int32_t) {
  fail(WN_EUNSUPPORTED, "wn_ctx_create: this build has no CUDA library; use the CPU, or build with nvcc on the PATH");
  return nullptr;
}

}  // namespace wn

extern "C" {

int32_t wn_cuda_open(const char*) { return wn::fail(WN_EUNSUPPORTED, "wn_cuda_open: this build has no CUDA library; build with nvcc on the PATH"); }

int32_t wn_cuda_devices(void) { return 0; }

}  // extern "C"
