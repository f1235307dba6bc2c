// Launch of the similarity kernels.
#include "sim.cuh"

#include "runtime.h"
#include "sim_launch.h"

namespace wn_cuda {
namespace {

bool few_pivots(const wn_sim_desc& d) { return d.n_pivot <= 16; }

template <class T>
void launch_pairs(const wn_sim_desc& d, float* values, int64_t value_sb, int64_t value_sp, uint64_t* best, void* stream) {
  uint64_t size = sizeof(T), combined = reinterpret_cast<uintptr_t>(d.x) | size * uint64_t(d.x_sb) | size * uint64_t(d.x_sn);
  if (d.y) combined |= reinterpret_cast<uintptr_t>(d.y) | size * uint64_t(d.y_sb) | size * uint64_t(d.y_sn);
  bool vector = common_width(16, combined) == 16;
  int tile = few_pivots(d) ? 16 : 64;
  dim3 grid(unsigned(similarity_tiles(d)), unsigned(ceil_div(d.n_pivot, tile)), unsigned(d.batch)), block(similarity::kThreads);
  if (few_pivots(d)) {
    WN_LAUNCH((similarity::pairs<T, 16>), grid, block, 0, stream, d, vector, values, value_sb, value_sp, best);
  } else {
    WN_LAUNCH((similarity::pairs<T, 64>), grid, block, 0, stream, d, vector, values, value_sb, value_sp, best);
  }
}

template <class T>
void launch_windows(const wn_sim_desc& d, void* stream) {
  uint64_t size = sizeof(T);
  bool vector = common_width(16, reinterpret_cast<uintptr_t>(d.x) | size * uint64_t(d.x_sb) | size * uint64_t(d.x_sn)) == 16;
  dim3 grid(unsigned(d.n / (d.win_h * d.win_w)), unsigned(d.batch));
  WN_LAUNCH(similarity::windows<T>, grid, dim3(similarity::kWindowThreads), 0, stream, d, vector);
}

}  // namespace

int64_t similarity_tiles(const wn_sim_desc& d) { return ceil_div(d.n > 0 ? d.n : 1, similarity::kTileN); }

void similarity_pairs(const wn_sim_desc& d, float* values, int64_t value_sb, int64_t value_sp, uint64_t* best, void* stream) {
  switch (d.dtype) {
    case WN_F32: launch_pairs<float>(d, values, value_sb, value_sp, best, stream); break;
    case WN_F16: launch_pairs<dev::F16>(d, values, value_sb, value_sp, best, stream); break;
    default: launch_pairs<dev::BF16>(d, values, value_sb, value_sp, best, stream); break;
  }
}

int64_t sim_workspace(const wn_sim_desc* d) {
  int64_t lists = int64_t(d->batch) * d->n_pivot;
  switch (d->op) {
    case WN_SIM_ARGMAX:
    case WN_SIM_NEAREST: return lists * similarity_tiles(*d) * int64_t(sizeof(uint64_t));
    case WN_SIM_TOPM: return lists * d->n * int64_t(sizeof(float));
    default: return 0;
  }
}

int32_t sim(const wn_cuda_device* device, const wn_sim_desc* d, void* workspace, void* stream) {
  if (d->batch == 0 || (d->op == WN_SIM_WINDOWS ? d->n : d->n_pivot) == 0) return WN_OK;
  if (d->batch > 65535 || ceil_div(d->n_pivot, 64) > 65535) {
    return refuse(WN_EUNSUPPORTED, "wn_sim: batch or n_pivot is too large for one launch; split the call");
  }
  DeviceScope scope(*device);
  dim3 block(similarity::kThreads);
  if (d->op == WN_SIM_WINDOWS) {
    switch (d->dtype) {
      case WN_F32: launch_windows<float>(*d, stream); break;
      case WN_F16: launch_windows<dev::F16>(*d, stream); break;
      default: launch_windows<dev::BF16>(*d, stream); break;
    }
  } else if (d->op == WN_SIM_PIVOTS) {
    if (d->n > 0) similarity_pairs(*d, static_cast<float*>(d->out_val), d->out_sb, d->out_sp, nullptr, stream);
  } else if (d->op == WN_SIM_TOPM) {
    float* values = static_cast<float*>(workspace);
    similarity_pairs(*d, values, int64_t(d->n_pivot) * d->n, d->n, nullptr, stream);
    dim3 grid(unsigned(ceil_div(d->n_pivot, similarity::kThreads / 32)), unsigned(d->batch));
    WN_LAUNCH(similarity::top_m, grid, block, 0, stream, *d, values);
  } else {
    uint64_t* best = static_cast<uint64_t*>(workspace);
    similarity_pairs(*d, nullptr, 0, 0, best, stream);
    dim3 grid(unsigned(ceil_div(d->n_pivot, similarity::kThreads)), unsigned(d->batch));
    WN_LAUNCH(similarity::join_tiles, grid, block, 0, stream, *d, int(similarity_tiles(*d)), best);
  }
  return launched("wn_sim");
}

}  // namespace wn_cuda
