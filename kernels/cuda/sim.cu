// sim: not in the CUDA library yet.
#include "runtime.h"

namespace wn_cuda {

int64_t sim_workspace(const wn_sim_desc*) { return 0; }

int32_t sim(const wn_cuda_device*, const wn_sim_desc*, void*, void*) {
  return refuse(WN_EUNSUPPORTED, "wn_sim: not in the CUDA library yet; use the CPU");
}

}  // namespace wn_cuda
