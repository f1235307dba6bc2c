// Host side of the CUDA kernels: launch shapes and the little of the CUDA runtime that they need. The functions below are implemented
// over the CUDA runtime in native/cuda/runtime.cu and over the emulator in tests/native/simt, so the launch code itself is tested without
// a GPU.
#pragma once
#include <stdint.h>

#include "cuda_plugin.h"

// Limits that choose launch shapes.
struct wn_cuda_device {
  int32_t ordinal;
  int32_t processors;    // streaming multiprocessors
  int32_t shared_bytes;  // dynamic shared memory that a block may ask for
};

namespace wn_cuda {

// Sets the thread's message and returns the status.
int32_t refuse(int32_t status, const char* message);

// Status of the launches since the last call: WN_OK or WN_EDEVICE with the runtime's text.
int32_t launched(const char* what);

// Makes a device current for the scope of one call.
class DeviceScope {
 public:
  explicit DeviceScope(const wn_cuda_device& device);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int previous_, ordinal_;
};

constexpr int64_t kWorkspaceAlign = 256;

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t align_up(int64_t bytes) { return ceil_div(bytes, kWorkspaceAlign) * kWorkspaceAlign; }

// Largest power of two, at most `limit` bytes, that divides every value given (addresses, strides, sizes; 0 divides by all).
inline int common_width(int limit, uint64_t combined_bits) {
  int width = limit;
  while (width > 1 && (combined_bits & uint64_t(width - 1)) != 0) width >>= 1;
  return width;
}

int64_t score_workspace(const wn_score_desc*);
int32_t score(const wn_cuda_device*, const wn_score_desc*, void* workspace, void* stream);
int64_t sim_workspace(const wn_sim_desc*);
int32_t sim(const wn_cuda_device*, const wn_sim_desc*, void* workspace, void* stream);
int64_t greedy_workspace(const wn_greedy_desc*);
int32_t greedy(const wn_cuda_device*, const wn_greedy_desc*, void* workspace, void* stream);
int64_t select_workspace(const wn_select_desc*);
int32_t select(const wn_cuda_device*, const wn_select_desc*, void* workspace, void* stream);
int32_t gather_rows(const wn_cuda_device*, const wn_gather_desc*, void* stream);
int32_t kv_compact(const wn_cuda_device*, const wn_kv_desc*, void* stream);
int32_t merge_rows(const wn_cuda_device*, const wn_merge_desc*, void* stream);

}  // namespace wn_cuda
