// Launch of the similarity kernels.
#include "sim.cuh"
#include "sim_matrix.cuh"

#include "runtime.h"
#include "sim_launch.h"

namespace wn_cuda {
namespace {

constexpr int64_t kEnoughLargeTiles = 45;  // from here on tiles of 128 do more than smaller ones that fill the GPU better
constexpr int64_t kEnoughBlocks = 264;     // two for each of 132 processors
constexpr int64_t kLeastChunks = 8;        // that a part of the columns has

bool few_pivots(const wn_sim_desc& d) { return d.n_pivot <= 16; }
bool on_tensor_cores(const wn_sim_desc& d) { return d.dtype != WN_F32 && !few_pivots(d); }

using similarity::Results;

// Tiles of a batch row that are computed.
int64_t tiles_of(const wn_sim_desc& d, int64_t tile) {
  int64_t along_rows = ceil_div(d.n, tile);
  return d.y || d.pivot ? along_rows * ceil_div(d.n_pivot, tile) : along_rows * (along_rows + 1) / 2;
}

// How a product is cut up: by its shape alone, so that every device adds in the same order.
struct ProductPlan {
  bool large;  // tiles of 128 rows, not of 64
  similarity::Split split;
  int64_t norms_x, norms_y, sums;  // floats of scratch memory, one after the other
};

ProductPlan product_plan(const wn_sim_desc& d) {
  ProductPlan p{};
  int64_t chunks = ceil_div(d.dim, similarity::kChunk);
  p.large = times({d.batch, tiles_of(d, 128)}) >= kEnoughLargeTiles;
  p.split.tiles = tiles_of(d, p.large ? 128 : similarity::kSplitTile);
  int64_t blocks = times({d.batch, p.split.tiles}), parts = p.large || blocks == 0 ? 1 : kEnoughBlocks / blocks;
  if (parts > chunks / kLeastChunks) parts = chunks / kLeastChunks;
  p.split.chunks = int(parts > 1 ? ceil_div(chunks, parts) : chunks);
  p.split.parts = int(ceil_div(chunks, p.split.chunks));
  auto aligned = [](int64_t floats) { return align_up(floats * int64_t(sizeof(float))) / int64_t(sizeof(float)); };
  p.norms_x = aligned(times({p.split.parts, d.batch, d.n}));
  p.norms_y = d.y ? aligned(times({p.split.parts, d.batch, d.n_pivot})) : 0;
  p.sums = p.split.parts > 1 ? times({p.split.parts, blocks, similarity::kSplitTile * similarity::kSplitTile}) : 0;
  return p;
}

template <class T, int TILE>
void launch_products(const wn_sim_desc& d, bool vector, ProductPlan p, const Results& out, float* scratch, void* stream) {
  similarity::Norms norms{scratch, scratch + p.norms_x};
  p.split.sums = scratch + p.norms_x + p.norms_y;
  unsigned batch = unsigned(d.batch), parts = unsigned(p.split.parts);
  dim3 norm_grid(unsigned(ceil_div(d.n > d.n_pivot ? d.n : d.n_pivot, similarity::kNormRows)), parts * batch, d.y ? 2u : 1u);
  WN_LAUNCH(similarity::norms<T>, norm_grid, dim3(similarity::kNormThreads), similarity::kNormShared, stream, d, vector, p.split, norms,
      out.best);
  if (d.n == 0) return;
  unsigned along_rows = unsigned(ceil_div(d.n, TILE)), along_pivots = unsigned(ceil_div(d.n_pivot, TILE));
  WN_LAUNCH((similarity::products<T, TILE>), dim3(along_rows, along_pivots, parts * batch), dim3(similarity::kTileThreads<TILE>),
      similarity::kTileShared<TILE>, stream, d, vector, p.split, norms, out);
  if (parts == 1) return;
  WN_LAUNCH(similarity::join_parts, dim3(along_rows, along_pivots, batch), dim3(similarity::kTileThreads<similarity::kSplitTile>), 0,
      stream, d, p.split, norms, out);
}

template <class T>
void launch_pairs(const wn_sim_desc& d, const Results& out, float* scratch, void* stream) {
  uint64_t size = sizeof(T), combined = reinterpret_cast<uintptr_t>(d.x) | size * uint64_t(d.x_sb) | size * uint64_t(d.x_sn);
  if (d.y) combined |= reinterpret_cast<uintptr_t>(d.y) | size * uint64_t(d.y_sb) | size * uint64_t(d.y_sn);
  bool vector = common_width(16, combined) == 16;
  dim3 block(similarity::kThreads);
  if (few_pivots(d)) {
    dim3 grid(unsigned(similarity_tiles(d)), unsigned(ceil_div(d.n_pivot, 16)), unsigned(d.batch));
    WN_LAUNCH((similarity::pairs<T, 16>), grid, block, 0, stream, d, vector, out.values, out.value_sb, out.value_sp, out.best);
  } else if constexpr (sizeof(T) == 2) {
    ProductPlan p = product_plan(d);
    if (p.large) launch_products<T, 128>(d, vector, p, out, scratch, stream);
    if (!p.large) launch_products<T, similarity::kSplitTile>(d, vector, p, out, scratch, stream);
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

#define WN_SIM_PRODUCT(T, TILE) WN_KERNEL(similarity::kTileShared<TILE>, similarity::products<T, TILE>)

KernelList sim_kernels() {
  static const Kernel kernels[] = {
      WN_KERNEL(0, similarity::pairs<float, 16>),     WN_KERNEL(0, similarity::pairs<dev::F16, 16>),
      WN_KERNEL(0, similarity::pairs<dev::BF16, 16>), WN_KERNEL(0, similarity::pairs<float, 64>),
      WN_SIM_PRODUCT(dev::F16, 64),                   WN_SIM_PRODUCT(dev::F16, 128),
      WN_SIM_PRODUCT(dev::BF16, 64),                  WN_SIM_PRODUCT(dev::BF16, 128),
      WN_KERNEL(0, similarity::norms<dev::F16>),      WN_KERNEL(0, similarity::norms<dev::BF16>),
      WN_KERNEL(0, similarity::windows<float>),       WN_KERNEL(0, similarity::windows<dev::F16>),
      WN_KERNEL(0, similarity::windows<dev::BF16>),   WN_KERNEL(0, similarity::join_parts),
      WN_KERNEL(0, similarity::join_tiles),           WN_KERNEL(0, similarity::top_m),
  };
  return {kernels, sizeof kernels / sizeof kernels[0]};
}

bool similarity_too_large(const wn_sim_desc& d) { return d.batch > kMostBlocks || ceil_div(d.n_pivot, similarity::kTileN) > kMostBlocks; }

int64_t similarity_tiles(const wn_sim_desc& d) { return on_tensor_cores(d) ? 1 : ceil_div(d.n > 0 ? d.n : 1, similarity::kTileN); }

int64_t similarity_scratch(const wn_sim_desc& d) {
  if (!on_tensor_cores(d)) return 0;
  ProductPlan p = product_plan(d);
  return p.norms_x + p.norms_y + p.sums;
}

void similarity_pairs(const wn_sim_desc& d, float* values, int64_t value_sb, int64_t value_sp, uint64_t* best, float* scratch,
    void* stream) {
  Results out{values, value_sb, value_sp, best};
  switch (d.dtype) {
    case WN_F32: launch_pairs<float>(d, out, scratch, stream); break;
    case WN_F16: launch_pairs<dev::F16>(d, out, scratch, stream); break;
    default: launch_pairs<dev::BF16>(d, out, scratch, stream); break;
  }
}

// The product's scratch memory comes first, then the keys or values that a second launch reads.
int64_t sim_workspace(const wn_sim_desc* d) {
  if (d->op == WN_SIM_WINDOWS) return 0;
  int64_t scratch = align_up(times({similarity_scratch(*d), sizeof(float)}));
  switch (d->op) {
    case WN_SIM_ARGMAX:
    case WN_SIM_NEAREST: return scratch + times({d->batch, d->n_pivot, similarity_tiles(*d), sizeof(uint64_t)});
    case WN_SIM_TOPM: return scratch + times({d->batch, d->n_pivot, d->n, sizeof(float)});
    default: return scratch;
  }
}

int32_t sim(const wn_cuda_device* device, const wn_sim_desc* d, void* workspace, void* stream) {
  if (d->batch == 0 || (d->op == WN_SIM_WINDOWS ? d->n : d->n_pivot) == 0) return WN_OK;
  if (d->op == WN_SIM_WINDOWS ? d->batch > kMostBlocks : similarity_too_large(*d)) {
    return refuse(WN_EUNSUPPORTED, "wn_sim: batch or n_pivot is too large for one launch; split the call");
  }
  Call call(*device, "wn_sim");
  if (!call.begun()) return call.status();
  dim3 block(similarity::kThreads);
  float* scratch = static_cast<float*>(workspace);
  char* rest = static_cast<char*>(workspace) + (d->op == WN_SIM_WINDOWS ? 0 : align_up(similarity_scratch(*d) * int64_t(sizeof(float))));
  if (d->op == WN_SIM_WINDOWS) {
    switch (d->dtype) {
      case WN_F32: launch_windows<float>(*d, stream); break;
      case WN_F16: launch_windows<dev::F16>(*d, stream); break;
      default: launch_windows<dev::BF16>(*d, stream); break;
    }
  } else if (d->op == WN_SIM_PIVOTS) {
    if (d->n > 0) similarity_pairs(*d, static_cast<float*>(d->out_val), d->out_sb, d->out_sp, nullptr, scratch, stream);
  } else if (d->op == WN_SIM_TOPM) {
    float* values = reinterpret_cast<float*>(rest);
    similarity_pairs(*d, values, int64_t(d->n_pivot) * d->n, d->n, nullptr, scratch, stream);
    dim3 grid(unsigned(ceil_div(d->n_pivot, similarity::kThreads / 32)), unsigned(d->batch));
    WN_LAUNCH(similarity::top_m, grid, block, 0, stream, *d, values);
  } else {
    uint64_t* best = reinterpret_cast<uint64_t*>(rest);
    similarity_pairs(*d, nullptr, 0, 0, best, scratch, stream);
    dim3 grid(unsigned(ceil_div(d->n_pivot, similarity::kThreads)), unsigned(d->batch));
    WN_LAUNCH(similarity::join_tiles, grid, block, 0, stream, *d, int(similarity_tiles(*d)), best);
  }
  return call.finish();
}

}  // namespace wn_cuda
