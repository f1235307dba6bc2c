// Similarity of rows: pairs of a tile of pivots and a tile of rows, reduced on the spot.
//
// `pairs` is a tiled product: 64 rows of x against TM pivots, 32 columns at a time through shared memory. The squared norms come from the
// same tiles, so x is read un-normalised and once. Arg-max and nearest neighbour keep one 64-bit key per pivot and tile, (order of the
// value, complement of the index), and the largest key wins: no atomics, and the lower index wins among equals. Top-m writes the values
// of its few pivots and picks from them. Windows sum the pairs of their few rows directly.
// A row with a NaN or infinite entry is similar to nothing (-infinity); so is a listed pivot that is no row of x.
#pragma once
#include "sim_common.cuh"

namespace similarity {

constexpr int kThreads = 256;
constexpr int kTileN = 64;   // rows of x per tile
constexpr int kTileK = 32;   // columns staged at a time
constexpr int kLanes = 16;   // threads side by side along the rows of x, four rows each
constexpr int kWindowThreads = 128;

__device__ __forceinline__ int valid_rows(const wn_sim_desc& d, int b) {
  return d.n_valid ? max(0, min(static_cast<const int32_t*>(d.n_valid)[b], d.n)) : d.n;
}
__device__ __forceinline__ int pivots(const wn_sim_desc& d, int b) { return d.y || d.pivot ? d.n_pivot : valid_rows(d, b); }

// The row of x that pivot p is; kFromY, or kNoRow where the list, which the host cannot check, names none.
constexpr int kFromY = -1, kNoRow = -2;
__device__ __forceinline__ int own_row(const wn_sim_desc& d, int b, int p) {
  if (d.y) return kFromY;
  if (!d.pivot) return p;
  int row = static_cast<const int32_t*>(d.pivot)[b * d.pivot_sb + p];
  return dev::within(row, valid_rows(d, b)) ? row : kNoRow;
}

// Where pivot p lies; null where there is none.
template <class T>
__device__ __forceinline__ const T* pivot_row(const wn_sim_desc& d, int b, int p, int p_end) {
  if (p >= p_end) return nullptr;
  if (d.y) return static_cast<const T*>(d.y) + b * d.y_sb + p * d.y_sn;
  int row = own_row(d, b, p);
  return row == kNoRow ? nullptr : static_cast<const T*>(d.x) + b * d.x_sb + row * d.x_sn;
}

// Brings kTileK columns from `c0` of `count` rows into shared memory, column by column; row_of(i) is null past the end.
template <class T, class F>
__device__ __forceinline__ void stage(dev::Shared<float> tile, int count, int c0, int dim, bool vector, F row_of) {
  constexpr int P = dev::kPack<T>, PACKS = kTileK / P;
  for (int i = int(threadIdx.x); i < count * PACKS; i += kThreads) {
    int row = i / PACKS, c = i % PACKS * P;
    const T* from = row_of(row);
    float values[P];
#pragma unroll
    for (int k = 0; k < P; ++k) values[k] = 0.0f;
    if (from) dev::load_pack(from, c0 + c, dim, vector, values);
#pragma unroll
    for (int k = 0; k < P; ++k) tile[(c + k) * count + row] = values[k];
  }
}

// Adds a staged row's squares to its norm; any entry that is not finite marks the row.
__device__ __forceinline__ float add_squares(dev::Shared<float> tile, int count, int row, float norm2) {
#pragma unroll 8
  for (int k = 0; k < kTileK; ++k) {
    float v = tile[k * count + row];
    norm2 = norm2 < 0.0f || !finite(v) ? kUnusable : fmaf(v, v, norm2);
  }
  return norm2;
}

// grid: (tiles of rows, tiles of TM pivots, batch). values (may be null): [b][p][j] by value_sb, value_sp. best (may be null):
// [b][p][tile of rows], the key of the most similar row that is not the pivot itself.
template <class T, int TM>
__global__ void __launch_bounds__(kThreads, 2) pairs(wn_sim_desc d, bool vector, float* values, int64_t value_sb, int64_t value_sp,
    uint64_t* best) {
  constexpr int RM = TM / kLanes;
  WN_SHARED(float, a, kTileK * TM);
  WN_SHARED(float, x, kTileK * kTileN);
  WN_SHARED(float, norm_a, TM);
  WN_SHARED(float, norm_x, kTileN);
  int tid = int(threadIdx.x), b = int(blockIdx.z), n = valid_rows(d, b), p_end = pivots(d, b);
  int j0 = int(blockIdx.x) * kTileN, p0 = int(blockIdx.y) * TM;
  const T* rows = static_cast<const T*>(d.x) + b * d.x_sb;
  auto x_row = [&](int i) { return j0 + i < n ? rows + int64_t(j0 + i) * d.x_sn : nullptr; };
  auto a_row = [&](int i) { return pivot_row<T>(d, b, p0 + i, p_end); };
  float acc[RM][4];
#pragma unroll
  for (int r = 0; r < RM; ++r) {
#pragma unroll
    for (int c = 0; c < 4; ++c) acc[r][c] = 0.0f;
  }
  float norm2 = 0.0f;
  int tx = tid & (kLanes - 1), ty = tid / kLanes;
  for (int c0 = 0; c0 < d.dim; c0 += kTileK) {
    __syncthreads();  // the columns before are no longer needed
    stage<T>(a, TM, c0, d.dim, vector, a_row);
    stage<T>(x, kTileN, c0, d.dim, vector, x_row);
    __syncthreads();
    if (tid < kTileN) {
      norm2 = add_squares(x, kTileN, tid, norm2);
    } else if (tid - kTileN < TM) {
      norm2 = add_squares(a, TM, tid - kTileN, norm2);
    }
#pragma unroll 8
    for (int k = 0; k < kTileK; ++k) {
      float left[RM], right[4];
#pragma unroll
      for (int r = 0; r < RM; ++r) left[r] = a[k * TM + r * kLanes + ty];
#pragma unroll
      for (int c = 0; c < 4; ++c) right[c] = x[k * kTileN + c * kLanes + tx];
#pragma unroll
      for (int r = 0; r < RM; ++r) {
#pragma unroll
        for (int c = 0; c < 4; ++c) acc[r][c] = fmaf(left[r], right[c], acc[r][c]);
      }
    }
  }
  if (tid < kTileN) {
    norm_x[tid] = norm2;
  } else if (tid - kTileN < TM) {
    norm_a[tid - kTileN] = norm2;
  }
  __syncthreads();
#pragma unroll
  for (int r = 0; r < RM; ++r) {
    int p = p0 + r * kLanes + ty;
    int own = p < p_end ? own_row(d, b, p) : kNoRow;
    float norm_p = own == kNoRow ? kUnusable : float(norm_a[r * kLanes + ty]);
    uint64_t top = 0;
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      int j = j0 + c * kLanes + tx;
      if (p >= p_end || j >= n) continue;
      float s = similarity_of(acc[r][c], norm_p, norm_x[c * kLanes + tx], d.metric, d.eps);
      if (values) values[b * value_sb + p * value_sp + j] = s;
      if (j != own && s > -INFINITY) top = better(top, rank_key(s, j));
    }
#pragma unroll
    for (int step = kLanes / 2; step > 0; step >>= 1) top = better(top, __shfl_xor_sync(dev::kFullMask, top, step));
    if (best && tx == 0 && p < p_end) best[(int64_t(b) * d.n_pivot + p) * gridDim.x + blockIdx.x] = top;
  }
}

__device__ __forceinline__ void report(const wn_sim_desc& d, int64_t at, uint64_t key) {
  float s = key ? key_score(key) : -INFINITY;
  if (d.out_val) static_cast<float*>(d.out_val)[at] = d.op == WN_SIM_NEAREST ? 1.0f - s : s;
  if (d.out_idx) static_cast<int32_t*>(d.out_idx)[at] = key ? key_index(key) : -1;
}

// grid: (ceil(n_pivot / kThreads), batch): joins the tiles of each pivot.
__global__ void __launch_bounds__(kThreads) join_tiles(wn_sim_desc d, int tiles, const uint64_t* best) {
  int p = int(blockIdx.x) * kThreads + int(threadIdx.x), b = int(blockIdx.y);
  if (p >= pivots(d, b)) return;
  uint64_t top = 0;
  for (int t = 0; t < tiles; ++t) top = better(top, best[(int64_t(b) * d.n_pivot + p) * tiles + t]);
  report(d, b * d.out_sb + p, top);
}

// One warp per pivot: the m-th neighbour is the best key below the (m-1)-th. grid: (ceil(n_pivot / warps), batch).
__global__ void __launch_bounds__(kThreads) top_m(wn_sim_desc d, const float* values) {
  int p = int(blockIdx.x) * (kThreads / 32) + int(threadIdx.x >> 5), b = int(blockIdx.y), lane = int(threadIdx.x & 31);
  if (p >= pivots(d, b)) return;
  int n = valid_rows(d, b), own = own_row(d, b, p);
  const float* row = values + (int64_t(b) * d.n_pivot + p) * d.n;
  uint64_t below = ~uint64_t(0);
  for (int m = 0; m < d.top_m; ++m) {
    uint64_t top = 0;
    for (int j = lane; j < n && below != 0; j += 32) {
      float s = row[j];
      uint64_t key = j != own && s > -INFINITY ? rank_key(s, j) : 0;
      if (key < below) top = better(top, key);
    }
    below = warp_best(top);
    if (lane == 0) report(d, b * d.out_sb + p * d.out_sp + m, below);
  }
}

// Similarity of two rows by one warp, squared norms in the same pass.
template <class T>
__device__ __forceinline__ float pair_of_rows(const wn_sim_desc& d, const T* left, const T* right, bool vector) {
  constexpr int P = dev::kPack<T>;
  float dot = 0.0f, norm_l = 0.0f, norm_r = 0.0f;
  bool usable_l = true, usable_r = true;
  for (int c = int(threadIdx.x & 31) * P; c < d.dim; c += 32 * P) {
    float l[P], r[P];
    dev::load_pack(left, c, d.dim, vector, l);
    dev::load_pack(right, c, d.dim, vector, r);
#pragma unroll
    for (int i = 0; i < P; ++i) {
      usable_l = usable_l && finite(l[i]);
      usable_r = usable_r && finite(r[i]);
      dot = fmaf(l[i], r[i], dot);
      norm_l = fmaf(l[i], l[i], norm_l);
      norm_r = fmaf(r[i], r[i], norm_r);
    }
  }
  dot = dev::warp_sum(dot);
  norm_l = dev::warp_sum(norm_l);
  norm_r = dev::warp_sum(norm_r);
  bool usable = __all_sync(dev::kFullMask, usable_l && usable_r) != 0;
  return usable ? similarity_of(dot, norm_l, norm_r, d.metric, d.eps) : -INFINITY;
}

// grid: (windows, batch); the warps of a block share the pairs of its window.
template <class T>
__global__ void __launch_bounds__(kWindowThreads, 4) windows(wn_sim_desc d, bool vector) {
  constexpr int kWarps = kWindowThreads / 32;
  WN_SHARED(float, part, kWarps);
  int w = int(blockIdx.x), b = int(blockIdx.y), warp = int(threadIdx.x >> 5), lane = int(threadIdx.x & 31);
  int per_row = d.grid_w / d.win_w, members = d.win_h * d.win_w;
  const T* x = static_cast<const T*>(d.x) + b * d.x_sb;
  auto row_of = [&](int i) {
    int64_t row = int64_t(w / per_row * d.win_h + i / d.win_w) * d.grid_w + w % per_row * d.win_w + i % d.win_w;
    return x + row * d.x_sn;
  };
  float sum = 0.0f;
  unsigned pair = 0;  // may wrap: only its last bits count
  for (int i = 0; i < members; ++i) {
    for (int j = i + 1; j < members; ++j, ++pair) {
      if (int(pair % kWarps) == warp) sum += pair_of_rows(d, row_of(i), row_of(j), vector);
    }
  }
  if (lane == 0) part[warp] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int i = 1; i < kWarps; ++i) sum += part[i];
  static_cast<float*>(d.out_val)[b * d.out_sb + w] = sum / (0.5f * float(members) * float(members - 1));
}

}  // namespace similarity
