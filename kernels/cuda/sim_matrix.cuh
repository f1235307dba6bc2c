// Similarity of many pivots and rows of 16-bit types on tensor cores: a tiled product over chunks of 64 columns that are copied to shared
// memory asynchronously, a few chunks ahead.
//
// `norms` takes the squared norms from the diagonal of the same product, summed in the same order, so that equal rows are as similar as one
// rounding of their norms allows; a row with an entry or a norm that is not finite shows there. `products` computes the tiles. Where the
// pivots are the rows themselves only tiles on and above the diagonal are computed, each for its rows and for its columns. The best of a
// pivot is one 64-bit key, (order of the value, complement of the index), raised by an atomic maximum: whatever the order of the
// blocks, the largest value wins, and the lower index among equals.
#pragma once
#include "matrix.cuh"
#include "sim.cuh"

namespace similarity {

constexpr int kChunk = 64;                    // columns staged at a time
constexpr int kPieces = kChunk / dev::kPiece;
constexpr int kStride = kPieces + 1;
constexpr int kNormRows = 64, kNormThreads = 128, kNormStages = 3;

// TILE: rows and columns of a tile. A warp computes half of its rows and 32 of its columns.
template <int TILE> constexpr int kTileThreads = 2 * TILE;
template <int TILE> constexpr int kStages = TILE > 64 ? 2 : 3;
template <int TILE> constexpr size_t kTileShared = size_t(kStages<TILE>) * 2 * TILE * kStride * sizeof(uint4);
constexpr size_t kNormShared = size_t(kNormStages) * kNormRows * kStride * sizeof(uint4);

// Brings one chunk of `count` rows to shared memory; row_of(i) is null past the end.
template <class T, class F>
__device__ __forceinline__ void stage_chunk(dev::Shared<uint4> tile, int count, int threads, int chunk, int dim, bool vector, F row_of) {
  for (int i = int(threadIdx.x); i < count * kPieces; i += threads) {
    int row = i / kPieces, piece = i % kPieces;
    dev::stage_piece(tile + (row * kStride + piece), row_of(row), chunk * kChunk + piece * dev::kPiece, dim, vector);
  }
}

// Squared norms of the rows of x (z = 0) and of y (z = 1), kUnusable where they are not finite; best keys of all pivots to none.
// grid: (ceil(max(n, n_pivot) / kNormRows), batch, sources). norm_x: [b][n], norm_y: [b][n_pivot], best: [b][n_pivot] or null.
template <class T>
__global__ void __launch_bounds__(kNormThreads, 4) norms(wn_sim_desc d, bool vector, float* norm_x, float* norm_y, uint64_t* best) {
  WN_SHARED_DYNAMIC(arena);
  auto tiles = dev::shared_at<uint4>(arena, 0);
  int b = int(blockIdx.y), r0 = int(blockIdx.x) * kNormRows;
  bool of_x = blockIdx.z == 0;
  int i = r0 + int(threadIdx.x);
  if (of_x && best && threadIdx.x < kNormRows && i < d.n_pivot) best[int64_t(b) * d.n_pivot + i] = 0;
  int end = of_x ? valid_rows(d, b) : d.n_pivot;
  const T* rows = static_cast<const T*>(of_x ? d.x : d.y) + b * (of_x ? d.x_sb : d.y_sb);
  int64_t stride = of_x ? d.x_sn : d.y_sn;
  if (r0 >= end) return;
  int lane = int(threadIdx.x & 31), warp = int(threadIdx.x >> 5);
  float sums[2][4] = {};
  auto fetch = [&](int chunk, int buffer) {
    stage_chunk<T>(tiles + buffer * kNormRows * kStride, kNormRows, kNormThreads, chunk, d.dim, vector,
                   [&](int row) { return r0 + row < end ? rows + int64_t(r0 + row) * stride : nullptr; });
  };
  auto use = [&](int, int buffer) {
#pragma unroll
    for (int step = 0; step < kPieces; step += 2) {
      unsigned left[4], right[4];
      dev::load_left(left, tiles + buffer * kNormRows * kStride, kStride, 16 * warp, step);
      dev::load_right(right, tiles + buffer * kNormRows * kStride, kStride, 16 * warp, step);
      dev::multiply_add(T(), sums[0], left, right[0], right[1]);
      dev::multiply_add(T(), sums[1], left, right[2], right[3]);
    }
  };
  dev::stream<kNormStages>(0, (d.dim + kChunk - 1) / kChunk, fetch, use);
  // Row g meets itself in lane 4 g + g / 2: in the first product as row g, in the second as row g + 8.
  int g = lane / 4;
  if (lane % 4 != g / 2) return;
  float diagonal[2] = {g % 2 ? sums[0][1] : sums[0][0], g % 2 ? sums[1][3] : sums[1][2]};
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int row = r0 + 16 * warp + g + 8 * half;
    float norm2 = finite(diagonal[half]) ? diagonal[half] : kUnusable;
    if (row < end && of_x) norm_x[int64_t(b) * d.n + row] = norm2;
    if (row < end && !of_x) norm_y[int64_t(b) * d.n_pivot + row] = norm2;
  }
}

// grid: (tiles of rows, tiles of pivots, batch). values (may be null): [b][p][j] by value_sb, value_sp. best (may be null): [b][p].
template <class T, int TILE>
__global__ void __launch_bounds__(kTileThreads<TILE>, TILE > 64 ? 1 : 2) products(wn_sim_desc d, bool vector, const float* norm_x,
    const float* norm_y, float* values, int64_t value_sb, int64_t value_sp, uint64_t* best) {
  constexpr int MT = TILE / 32, TILE_PIECES = TILE * kStride;
  WN_SHARED_DYNAMIC(arena);
  auto tiles = dev::shared_at<uint4>(arena, 0);
  int b = int(blockIdx.z), n = valid_rows(d, b), p_end = pivots(d, b);
  int j0 = int(blockIdx.x) * TILE, p0 = int(blockIdx.y) * TILE;
  bool triangle = !d.y && !d.pivot, mirrored = triangle && j0 != p0;
  if (j0 >= n || p0 >= p_end || (triangle && j0 < p0)) return;
  const T* rows = static_cast<const T*>(d.x) + b * d.x_sb;
  const T* others = static_cast<const T*>(d.y) + (d.y ? b * d.y_sb : 0);
  int lane = int(threadIdx.x & 31), warp = int(threadIdx.x >> 5), wp = warp % 2 * (TILE / 2), wj = warp / 2 * 32;
  float sums[MT][4][4] = {};
  auto fetch = [&](int chunk, int buffer) {
    stage_chunk<T>(tiles + 2 * buffer * TILE_PIECES, TILE, kTileThreads<TILE>, chunk, d.dim, vector, [&](int i) -> const T* {
      if (p0 + i >= p_end) return nullptr;
      return d.y ? others + int64_t(p0 + i) * d.y_sn : rows + int64_t(own_row(d, b, p0 + i)) * d.x_sn;
    });
    stage_chunk<T>(tiles + (2 * buffer + 1) * TILE_PIECES, TILE, kTileThreads<TILE>, chunk, d.dim, vector,
                   [&](int i) { return j0 + i < n ? rows + int64_t(j0 + i) * d.x_sn : nullptr; });
  };
  auto use = [&](int, int buffer) {
    auto left_tile = tiles + 2 * buffer * TILE_PIECES, right_tile = tiles + (2 * buffer + 1) * TILE_PIECES;
#pragma unroll
    for (int step = 0; step < kPieces; step += 2) {
      unsigned right[2][4];
      dev::load_right(right[0], right_tile, kStride, wj, step);
      dev::load_right(right[1], right_tile, kStride, wj + 16, step);
#pragma unroll
      for (int i = 0; i < MT; ++i) {
        unsigned left[4];
        dev::load_left(left, left_tile, kStride, wp + 16 * i, step);
#pragma unroll
        for (int f = 0; f < 4; ++f) dev::multiply_add(T(), sums[i][f], left, right[f / 2][f % 2 * 2], right[f / 2][f % 2 * 2 + 1]);
      }
    }
  };
  dev::stream<kStages<TILE>>(0, (d.dim + kChunk - 1) / kChunk, fetch, use);

  float norm_j[4][2];
  uint64_t top_j[4][2] = {};
  int j_first = j0 + wj + lane % 4 * 2;
#pragma unroll
  for (int f = 0; f < 4; ++f) {
#pragma unroll
    for (int c = 0; c < 2; ++c) norm_j[f][c] = j_first + 8 * f + c < n ? norm_x[int64_t(b) * d.n + j_first + 8 * f + c] : kUnusable;
  }
#pragma unroll
  for (int i = 0; i < MT; ++i) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      int p = p0 + wp + 16 * i + lane / 4 + 8 * r;
      bool in = p < p_end;
      int own = in ? own_row(d, b, p) : -1;
      float norm_p = !in ? kUnusable : d.y ? norm_y[int64_t(b) * d.n_pivot + p] : norm_x[int64_t(b) * d.n + own];
      uint64_t top_p = 0;
#pragma unroll
      for (int f = 0; f < 4; ++f) {
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          int j = j_first + 8 * f + c;
          if (!in || j >= n) continue;
          float s = similarity_of(sums[i][f][2 * r + c], norm_p, norm_j[f][c], d.metric, d.eps);
          if (values) values[b * value_sb + p * value_sp + j] = s;
          if (values && mirrored) values[b * value_sb + j * value_sp + p] = s;
          if (j == own || !(s > -INFINITY)) continue;
          top_p = better(top_p, rank_key(s, j));
          top_j[f][c] = better(top_j[f][c], rank_key(s, p));
        }
      }
      if (!best) continue;
      top_p = better(top_p, __shfl_xor_sync(dev::kFullMask, top_p, 1));
      top_p = better(top_p, __shfl_xor_sync(dev::kFullMask, top_p, 2));
      if (lane % 4 == 0 && top_p) dev::atomic_max(best + (int64_t(b) * d.n_pivot + p), top_p);
    }
  }
  if (!best || !mirrored) return;
#pragma unroll
  for (int f = 0; f < 4; ++f) {
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      uint64_t top = top_j[f][c];
#pragma unroll
      for (int step = 4; step < 32; step <<= 1) top = better(top, __shfl_xor_sync(dev::kFullMask, top, step));
      if (lane < 4 && top) dev::atomic_max(best + (int64_t(b) * d.n_pivot + j_first + 8 * f + c), top);
    }
  }
}

}  // namespace similarity
