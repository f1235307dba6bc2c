// Launch of the greedy kernels: one launch per choice that there can be, state in the workspace.
#include "greedy.cuh"

#include <cstring>

#include "runtime.h"
#include "sim_launch.h"

namespace wn_cuda {
namespace {

// The rows of x compared with one another by cosine.
wn_sim_desc similarity_of_all(const wn_greedy_desc& d, int32_t op) {
  wn_sim_desc s;
  std::memset(&s, 0, sizeof s);
  s.struct_size = sizeof s;
  s.dtype = d.dtype;
  s.op = op;
  s.metric = WN_COSINE;
  s.batch = d.batch;
  s.n = s.n_pivot = d.n;
  s.dim = d.dim;
  s.eps = d.eps;
  s.x = d.x;
  s.x_sb = d.x_sb;
  s.x_sn = d.x_sn;
  s.n_valid = d.n_valid;
  return s;
}

int64_t block_count(const wn_greedy_desc& d) { return ceil_div(d.n > 0 ? d.n : 1, greedy_subset::kSlice); }

// Lays the state out from `base`; returns the bytes needed. base may be null.
int64_t lay_out(const wn_greedy_desc& d, char* base, greedy_subset::State* s) {
  int64_t bytes = 0, candidates = int64_t(d.batch) * d.n;
  auto reserve = [&](std::initializer_list<int64_t> counts, size_t size) {
    int64_t at = bytes;
    bytes += align_up(times({times(counts), int64_t(size)}));
    return base ? static_cast<void*>(base + at) : nullptr;
  };
  bool coverage = d.objective == WN_COVERAGE, from_x = d.matrix == nullptr;
  std::memset(s, 0, sizeof *s);
  s->choices = d.k < d.n ? d.k : d.n;
  s->norm2 = static_cast<float*>(reserve({candidates}, sizeof(float)));
  s->status = static_cast<int32_t*>(reserve({candidates}, sizeof(int32_t)));
  s->state = static_cast<float*>(reserve({candidates}, sizeof(float)));
  s->best = static_cast<greedy_subset::Best*>(reserve({2, d.batch, block_count(d)}, sizeof(greedy_subset::Best)));
  if (d.objective == WN_DPP) s->variance = static_cast<float*>(reserve({candidates}, sizeof(float)));
  if (d.objective == WN_DPP) s->columns = static_cast<float*>(reserve({candidates, s->choices}, sizeof(float)));
  if (coverage) s->covered = static_cast<float*>(reserve({2, d.batch, from_x ? d.n : d.matrix_rows}, sizeof(float)));
  if (coverage && from_x) s->matrix = static_cast<float*>(reserve({candidates, d.n}, sizeof(float)));
  wn_sim_desc all = similarity_of_all(d, WN_SIM_NEAREST);
  if (from_x && d.objective != WN_DPP) s->scratch = static_cast<float*>(reserve({similarity_scratch(all)}, sizeof(float)));
  if (d.objective == WN_MAX_MIN && from_x) {
    s->tiles = int32_t(similarity_tiles(all));
    s->nearest = static_cast<uint64_t*>(reserve({candidates, s->tiles}, sizeof(uint64_t)));
  }
  s->picks = static_cast<int32_t*>(d.out_idx);
  s->picks_sb = d.out_sb;
  if (d.flags & WN_GREEDY_ASCENDING) {
    s->picks = static_cast<int32_t*>(reserve({d.batch, s->choices}, sizeof(int32_t)));
    s->picks_sb = s->choices;
  }
  return bytes;
}

template <class T>
void run(const wn_greedy_desc& d, const greedy_subset::State& s, void* stream) {
  uint64_t size = sizeof(T), combined = reinterpret_cast<uintptr_t>(d.x) | size * uint64_t(d.x_sb) | size * uint64_t(d.x_sn);
  bool vector = common_width(16, combined) == 16;
  dim3 grid(unsigned(block_count(d)), unsigned(d.batch)), block(greedy_subset::kThreads);
  if (s.matrix && d.n > 0) {
    similarity_pairs(similarity_of_all(d, WN_SIM_PIVOTS), s.matrix, int64_t(d.n) * d.n, d.n, nullptr, s.scratch, stream);
  }
  if (s.nearest && d.n > 0) similarity_pairs(similarity_of_all(d, WN_SIM_NEAREST), nullptr, 0, 0, s.nearest, s.scratch, stream);
  WN_LAUNCH(greedy_subset::begin<T>, grid, block, 0, stream, d, s, vector);
  for (int32_t t = 0; t <= s.choices; ++t) {
    WN_LAUNCH(greedy_subset::step<T>, grid, block, 0, stream, d, s, vector, t);
  }
  if (d.flags & WN_GREEDY_ASCENDING && s.choices > 0) {
    dim3 lists(unsigned(ceil_div(s.choices, greedy_subset::kThreads)), unsigned(d.batch));
    WN_LAUNCH(greedy_subset::ascending, lists, block, 0, stream, d, s);
  }
}

}  // namespace

KernelList greedy_kernels() {
  static const Kernel kernels[] = {
      WN_KERNEL(0, greedy_subset::begin<float>),     WN_KERNEL(0, greedy_subset::step<float>),
      WN_KERNEL(0, greedy_subset::begin<dev::F16>),  WN_KERNEL(0, greedy_subset::step<dev::F16>),
      WN_KERNEL(0, greedy_subset::begin<dev::BF16>), WN_KERNEL(0, greedy_subset::step<dev::BF16>),
      WN_KERNEL(0, greedy_subset::ascending),
  };
  return {kernels, sizeof kernels / sizeof kernels[0]};
}

int64_t greedy_workspace(const wn_greedy_desc* d) {
  greedy_subset::State s;
  return lay_out(*d, nullptr, &s);
}

int32_t greedy(const wn_cuda_device* device, const wn_greedy_desc* d, void* workspace, void* stream) {
  if (d->batch == 0 || d->k == 0) return WN_OK;
  bool product = !d->matrix && d->objective != WN_DPP;
  if (d->batch > kMostBlocks || (product && similarity_too_large(similarity_of_all(*d, WN_SIM_NEAREST)))) {
    return refuse(WN_EUNSUPPORTED, "wn_greedy: batch or n is too large for one launch; split the call");
  }
  Call call(*device, "wn_greedy");
  if (!call.begun()) return call.status();
  greedy_subset::State s;
  lay_out(*d, static_cast<char*>(workspace), &s);
  switch (d->matrix ? WN_F32 : d->dtype) {
    case WN_F32: run<float>(*d, s, stream); break;
    case WN_F16: run<dev::F16>(*d, s, stream); break;
    default: run<dev::BF16>(*d, s, stream); break;
  }
  return call.finish();
}

}  // namespace wn_cuda
