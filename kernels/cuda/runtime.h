// Host side of the CUDA kernels: launch shapes and the little of the CUDA runtime that they need. The functions below are implemented
// over the CUDA runtime in native/cuda/runtime.cu; tests/native/simt builds both over an emulated runtime, so that they are tested without
// a GPU.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <initializer_list>

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

constexpr int32_t kMostBlocks = 65535;  // of a grid along y and z

// The scope of one call: makes the device current, and tells what CUDA had to report before the call from what the call itself met with.
class Call {
 public:
  Call(const wn_cuda_device& device, const char* function);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // False: nothing may be launched; status() says why not.
  bool begun() const { return status_ == WN_OK; }
  int32_t status() const { return status_; }
  // Status of the launches: WN_OK or WN_EDEVICE with the runtime's text.
  int32_t finish();

 private:
  const char* function_;
  int ordinal_, previous_;
  int32_t status_ = WN_OK;
};

// A kernel as the runtime must know it before the first launch, which may come while a graph is captured, when nothing can be loaded:
// `open` goes through these lists for every device.
struct Kernel {
  const void* function;
  const char* name;
  size_t shared;  // dynamic shared memory that a launch may ask for, where that and the kernel's own may exceed 48 KiB; else 0
};
constexpr size_t kAllShared = ~size_t(0);  // as much as the device gives a block beside the kernel's own

struct KernelList {
  const Kernel* first;
  size_t count;
  const Kernel* begin() const { return first; }
  const Kernel* end() const { return first + count; }
};

// An entry of a list; a kernel that a launch names and no list does makes the emulator fail, one missing from budget.txt a test.
#define WN_KERNEL(shared_bytes, ...) \
  ::wn_cuda::Kernel { reinterpret_cast<const void*>(__VA_ARGS__), #__VA_ARGS__, (shared_bytes) }

KernelList row_kernels();
KernelList select_kernels();
KernelList score_kernels();
KernelList sim_kernels();
KernelList greedy_kernels();

constexpr int64_t kWorkspaceAlign = 256;
constexpr int64_t kNoMemory = int64_t(1) << 59;  // bytes that no machine has; a few of them still make a number

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t align_up(int64_t bytes) { return ceil_div(bytes, kWorkspaceAlign) * kWorkspaceAlign; }

// Product of sizes, none below 0; kNoMemory instead of anything larger.
inline int64_t times(std::initializer_list<int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes) {
    if (size == 0) return 0;
  }
  for (int64_t size : sizes) {
    if (__builtin_mul_overflow(product, size, &product) || product > kNoMemory) return kNoMemory;
  }
  return product;
}

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
