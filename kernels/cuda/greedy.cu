// greedy: not in the CUDA library yet.
#include "runtime.h"

namespace wn_cuda {

int64_t greedy_workspace(const wn_greedy_desc*) { return 0; }

int32_t greedy(const wn_cuda_device*, const wn_greedy_desc*, void*, void*) {
  return refuse(WN_EUNSUPPORTED, "wn_greedy: not in the CUDA library yet; use the CPU");
}

}  // namespace wn_cuda
