// Launch of the similarity kernels.
#include "sim.cuh"
#include "sim_matrix.cuh"

#include "runtime.h"
#include "sim_launch.h"

namespace wn_cuda {
namespace {

constexpr int kSmallTileRows = 1024;  // up to so many rows small tiles keep more of the GPU at work

bool few_pivots(const wn_sim_desc& d) { return d.n_pivot <= 16; }
bool on_tensor_cores(const wn_sim_desc& d) { return d.dtype != WN_F32 && !few_pivots(d); }

using similarity::Results;

template <class T, int TILE>
void launch_products(const wn_sim_desc& d, bool vector, const Results& out, float* norms, void* stream) {
  float* norm_y = norms + int64_t(d.batch) * d.n;
  int64_t most = d.n > d.n_pivot ? d.n : d.n_pivot;
  dim3 norm_grid(unsigned(ceil_div(most, similarity::kNormRows)), unsigned(d.batch), d.y ? 2u : 1u);
  WN_LAUNCH(similarity::norms<T>, norm_grid, dim3(similarity::kNormThreads), similarity::kNormShared, stream, d, vector, norms, norm_y,
      out.best);
  if (d.n == 0) return;
  dim3 grid(unsigned(ceil_div(d.n, TILE)), unsigned(ceil_div(d.n_pivot, TILE)), unsigned(d.batch));
  WN_ALLOW_SHARED((similarity::products<T, TILE>), similarity::kTileShared<TILE>);
  WN_LAUNCH((similarity::products<T, TILE>), grid, dim3(similarity::kTileThreads<TILE>), similarity::kTileShared<TILE>, stream, d, vector,
      norms, norm_y, out);
}

template <class T>
void launch_pairs(const wn_sim_desc& d, const Results& out, float* norms, void* stream) {
  uint64_t size = sizeof(T), combined = reinterpret_cast<uintptr_t>(d.x) | size * uint64_t(d.x_sb) | size * uint64_t(d.x_sn);
  if (d.y) combined |= reinterpret_cast<uintptr_t>(d.y) | size * uint64_t(d.y_sb) | size * uint64_t(d.y_sn);
  bool vector = common_width(16, combined) == 16;
  dim3 block(similarity::kThreads);
  if (few_pivots(d)) {
    dim3 grid(unsigned(similarity_tiles(d)), unsigned(ceil_div(d.n_pivot, 16)), unsigned(d.batch));
    WN_LAUNCH((similarity::pairs<T, 16>), grid, block, 0, stream, d, vector, out.values, out.value_sb, out.value_sp, out.best);
  } else if constexpr (sizeof(T) == 2) {
    if (d.n > kSmallTileRows) launch_products<T, 128>(d, vector, out, norms, stream);
    if (d.n <= kSmallTileRows) launch_products<T, 64>(d, vector, out, norms, stream);
  } else {
    dim3 grid(unsigned(similarity_tiles(d)), unsigned(ceil_div(d.n_pivot, 64)), unsigned(d.batch));
    WN_LAUNCH((similarity::pairs<T, 64>), grid, block, 0, stream, d, vector, out.values, out.value_sb, out.value_sp, out.best);
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

int64_t similarity_tiles(const wn_sim_desc& d) { return on_tensor_cores(d) ? 1 : ceil_div(d.n > 0 ? d.n : 1, similarity::kTileN); }

int64_t similarity_norms(const wn_sim_desc& d) { return on_tensor_cores(d) ? int64_t(d.batch) * (d.n + int64_t(d.y ? d.n_pivot : 0)) : 0; }

void similarity_pairs(const wn_sim_desc& d, float* values, int64_t value_sb, int64_t value_sp, uint64_t* best, float* norms, void* stream) {
  Results out{values, value_sb, value_sp, best};
  switch (d.dtype) {
    case WN_F32: launch_pairs<float>(d, out, norms, stream); break;
    case WN_F16: launch_pairs<dev::F16>(d, out, norms, stream); break;
    default: launch_pairs<dev::BF16>(d, out, norms, stream); break;
  }
}

// Norms come first, then the keys or values that a second launch reads.
int64_t sim_workspace(const wn_sim_desc* d) {
  if (d->op == WN_SIM_WINDOWS) return 0;
  int64_t lists = int64_t(d->batch) * d->n_pivot, norms = align_up(similarity_norms(*d) * int64_t(sizeof(float)));
  switch (d->op) {
    case WN_SIM_ARGMAX:
    case WN_SIM_NEAREST: return norms + lists * similarity_tiles(*d) * int64_t(sizeof(uint64_t));
    case WN_SIM_TOPM: return norms + lists * d->n * int64_t(sizeof(float));
    default: return norms;
  }
}

int32_t sim(const wn_cuda_device* device, const wn_sim_desc* d, void* workspace, void* stream) {
  if (d->batch == 0 || (d->op == WN_SIM_WINDOWS ? d->n : d->n_pivot) == 0) return WN_OK;
  if (d->batch > 65535 || ceil_div(d->n_pivot, 64) > 65535) {
    return refuse(WN_EUNSUPPORTED, "wn_sim: batch or n_pivot is too large for one launch; split the call");
  }
  DeviceScope scope(*device);
  dim3 block(similarity::kThreads);
  float* norms = static_cast<float*>(workspace);
  char* rest = static_cast<char*>(workspace) + (d->op == WN_SIM_WINDOWS ? 0 : align_up(similarity_norms(*d) * int64_t(sizeof(float))));
  if (d->op == WN_SIM_WINDOWS) {
    switch (d->dtype) {
      case WN_F32: launch_windows<float>(*d, stream); break;
      case WN_F16: launch_windows<dev::F16>(*d, stream); break;
      default: launch_windows<dev::BF16>(*d, stream); break;
    }
  } else if (d->op == WN_SIM_PIVOTS) {
    if (d->n > 0) similarity_pairs(*d, static_cast<float*>(d->out_val), d->out_sb, d->out_sp, nullptr, norms, stream);
  } else if (d->op == WN_SIM_TOPM) {
    float* values = reinterpret_cast<float*>(rest);
    similarity_pairs(*d, values, int64_t(d->n_pivot) * d->n, d->n, nullptr, norms, stream);
    dim3 grid(unsigned(ceil_div(d->n_pivot, similarity::kThreads / 32)), unsigned(d->batch));
    WN_LAUNCH(similarity::top_m, grid, block, 0, stream, *d, values);
  } else {
    uint64_t* best = reinterpret_cast<uint64_t*>(rest);
    similarity_pairs(*d, nullptr, 0, 0, best, norms, stream);
    dim3 grid(unsigned(ceil_div(d->n_pivot, similarity::kThreads)), unsigned(d->batch));
    WN_LAUNCH(similarity::join_tiles, grid, block, 0, stream, *d, int(similarity_tiles(*d)), best);
  }
  return launched("wn_sim");
}

}  // namespace wn_cuda
