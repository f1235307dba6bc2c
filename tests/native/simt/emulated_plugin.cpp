// The CUDA plugin compiled for the emulator: its kernels and its launch code, unchanged, over an emulated runtime.
// -DWN_SIMT is set for this file.
#include <algorithm>
#include <string>

#include "rows.cu"
#include "score.cu"
#include "select.cu"
#include "sim.cu"
#include "greedy.cu"
#include "table.h"

namespace wn_cuda {
namespace {
thread_local std::string message;
}

int32_t refuse(int32_t status, const char* text) {
  message = text;
  return status;
}

int32_t launched(const char*) { return WN_OK; }
DeviceScope::DeviceScope(const wn_cuda_device&) : previous_(0), ordinal_(0) {}
DeviceScope::~DeviceScope() = default;

const char* last_error() { return message.c_str(); }
int32_t device_count() { return 1; }

int32_t open(int32_t ordinal, wn_cuda_device** out) {
  if (ordinal != 0) return refuse(WN_EUNSUPPORTED, "CUDA device 1 or higher is asked for, there is 1");
  *out = new wn_cuda_device{ordinal, 4, 96 * 1024};
  return WN_OK;
}

void close(wn_cuda_device* device) { delete device; }

}  // namespace wn_cuda

const wn_cuda_plugin* wn_cuda_plugin_get(void) { return &wn_cuda::kTable; }
