// score: not in the CUDA library yet.
#include "runtime.h"

namespace wn_cuda {

int64_t score_workspace(const wn_score_desc*) { return 0; }

int32_t score(const wn_cuda_device*, const wn_score_desc*, void*, void*) {
  return refuse(WN_EUNSUPPORTED, "wn_score: not in the CUDA library yet; use the CPU");
}

}  // namespace wn_cuda
